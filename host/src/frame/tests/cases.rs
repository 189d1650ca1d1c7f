//! The frames of the golden files: everything that a frame can say, one thing to a file.

use super::{field, frame, nullable, page, texts};
use crate::model::{
    Column, Field, FieldConfig, Frame, FrameMeta, Kind, Link, MappingMatch, Notice, Severity,
    SpecialValue, Stat, Threshold, ValueMapping, Visualization,
};

/// 2026-01-02 03:04:05.678 UTC.
const MOMENT: i64 = 1_767_323_045_678_000_000;

/// Every case by the name of its files: the frames that a guest returns, which become one.
pub(super) fn all() -> Vec<(&'static str, Vec<Frame>)> {
    vec![
        ("every_type", vec![every_type(every_column())]),
        ("every_type_nullable", vec![every_type(every_nullable_column())]),
        ("special_floats", vec![special_floats()]),
        ("nanoseconds", vec![nanoseconds()]),
        ("labels", vec![labels()]),
        ("configs", vec![configs()]),
        ("meta", vec![meta()]),
        ("log_lines", vec![log_lines()]),
        ("no_rows", vec![no_rows()]),
        ("no_data", vec![no_data()]),
        ("nothing", vec![Frame::default()]),
        ("pages", pages()),
    ]
}

fn every_type(fields: Vec<Field>) -> Frame {
    let with_texts = |field: Field| match field.values {
        Column::Enum(_) => {
            let texts = ["off", "on", "broken"].map(str::to_owned).to_vec();
            Field { config: vec![FieldConfig::EnumTexts(texts)], ..field }
        }
        _ => field,
    };
    frame("every type", fields.into_iter().map(with_texts).collect())
}

/// The extremes of each type, and a plain value between them.
fn every_column() -> Vec<Field> {
    vec![
        field("int8", Column::Int8(vec![i8::MIN, -1, i8::MAX])),
        field("int16", Column::Int16(vec![i16::MIN, -1, i16::MAX])),
        field("int32", Column::Int32(vec![i32::MIN, -1, i32::MAX])),
        field("int64", Column::Int64(vec![i64::MIN, -1, i64::MAX])),
        field("uint8", Column::Uint8(vec![0, 1, u8::MAX])),
        field("uint16", Column::Uint16(vec![0, 1, u16::MAX])),
        field("uint32", Column::Uint32(vec![0, 1, u32::MAX])),
        field("uint64", Column::Uint64(vec![0, 1, u64::MAX])),
        field("float32", Column::Float32(vec![f32::MIN, 0.1, f32::MIN_POSITIVE])),
        field("float64", Column::Float64(vec![f64::MIN, -0.0, f64::from_bits(1)])),
        field("string", Column::String(texts(["", "\"\\\n\u{1}\u{2028}", "grün 🌱"]))),
        field("bool", Column::Bool { length: 3, bytes: vec![0b1111_1101] }),
        field("time", Column::Time(vec![-1_000_000, 0, MOMENT])),
        field("json", Column::Json(texts(["null", "{\"a\": [1, \"b\"]}", "-1.5e3"]))),
        field("enum", Column::Enum(vec![0, 1, 2])),
    ]
}

/// The same, with no value in the middle; the last row of nine is the first of the second byte.
fn every_nullable_column() -> Vec<Field> {
    let nine = [0, 1, 2, 0, 1, 2, 0, 1, 2_usize];
    let pick = |field: Field| {
        let values = match field.values {
            Column::Int8(values) => Column::Int8(nine.map(|row| values[row]).to_vec()),
            Column::Int16(values) => Column::Int16(nine.map(|row| values[row]).to_vec()),
            Column::Int32(values) => Column::Int32(nine.map(|row| values[row]).to_vec()),
            Column::Int64(values) => Column::Int64(nine.map(|row| values[row]).to_vec()),
            Column::Uint8(values) => Column::Uint8(nine.map(|row| values[row]).to_vec()),
            Column::Uint16(values) => Column::Uint16(nine.map(|row| values[row]).to_vec()),
            Column::Uint32(values) => Column::Uint32(nine.map(|row| values[row]).to_vec()),
            Column::Uint64(values) => Column::Uint64(nine.map(|row| values[row]).to_vec()),
            Column::Float32(values) => Column::Float32(nine.map(|row| values[row]).to_vec()),
            Column::Float64(values) => Column::Float64(nine.map(|row| values[row]).to_vec()),
            Column::String(_) => Column::String(texts(nine.map(|row| ["", "b", "ccc"][row]))),
            Column::Bool { .. } => Column::Bool { length: 9, bytes: vec![0b0110_1101, 1] },
            Column::Time(values) => Column::Time(nine.map(|row| values[row]).to_vec()),
            Column::Json(_) => Column::Json(texts(nine.map(|row| ["[]", "", "null"][row]))),
            Column::Enum(values) => Column::Enum(nine.map(|row| values[row]).to_vec()),
        };
        nullable(Field { values, ..field }, &[0b0110_1101, 0b1111_1111])
    };
    every_column().into_iter().map(pick).collect()
}

fn special_floats() -> Frame {
    let wide = [1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let narrow = wide.map(|value| value as f32);
    frame(
        "special floats",
        vec![
            field("float64", Column::Float64(wide.to_vec())),
            field("float32", Column::Float32(narrow.to_vec())),
            nullable(field("nullable", Column::Float64(wide.to_vec())), &[0b0_1011]),
            field("plain", Column::Float64(vec![0.0; 5])),
            field("only infinite", Column::Float32(vec![0.0, 1.0, 2.0, f32::INFINITY, 4.0])),
        ],
    )
}

fn nanoseconds() -> Frame {
    let times = vec![MOMENT + 1, MOMENT + 999_999, MOMENT, -1, i64::MIN, i64::MAX];
    frame(
        "nanoseconds",
        vec![
            field("time", Column::Time(times.clone())),
            nullable(field("nullable", Column::Time(times)), &[0b01_1110]),
            field("whole", Column::Time(vec![MOMENT; 6])),
            field("value", Column::Int8(vec![1; 6])),
        ],
    )
}

fn labels() -> Frame {
    let labelled = |value: f64, labels: &[(&str, &str)]| Field {
        labels: labels.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
        ..field("value", Column::Float64(vec![value]))
    };
    let fields = vec![
        field("", Column::Time(vec![MOMENT])),
        labelled(1.0, &[("zone", "b"), ("host", "a \"quoted\" one")]),
        labelled(2.0, &[("ort", "Köln"), ("", "no name"), ("empty", "")]),
    ];
    Frame { meta: vec![FrameMeta::Kind(Kind::TimeseriesWide)], ..frame("", fields) }
}

fn configs() -> Frame {
    let with = |name: &str, config| Field { config, ..field(name, Column::Float64(vec![1.0])) };
    let mapping = |when, text: &str| {
        let color = Some("red".to_owned());
        FieldConfig::Mapping(ValueMapping { when, text: Some(text.into()), color })
    };
    let special = |value, text| mapping(MappingMatch::Special(value), text);
    let step = |value, color: &str| Threshold { value, color: color.into() };
    let link = |title: &str, new_tab| {
        let url = "https://example.com/?v=${__value.raw}".into();
        FieldConfig::Link(Link { title: title.into(), url, new_tab })
    };
    frame(
        "configs",
        vec![
            with(
                "texts",
                vec![
                    FieldConfig::DisplayName("Title".into()),
                    FieldConfig::DisplayNameFromDs("Title of the source".into()),
                    FieldConfig::Path("a/b".into()),
                    FieldConfig::Description("What it is".into()),
                    FieldConfig::Unit("bytes".into()),
                    FieldConfig::NoValue("none".into()),
                ],
            ),
            with(
                "numbers",
                vec![
                    FieldConfig::Decimals(u16::MAX),
                    FieldConfig::Min(-1.5),
                    FieldConfig::Max(1e300),
                    FieldConfig::IntervalMilliseconds(15_000.0),
                    FieldConfig::Filterable(true),
                    FieldConfig::Writeable(false),
                ],
            ),
            with("no numbers", vec![FieldConfig::Min(f64::NAN), FieldConfig::Max(f64::INFINITY)]),
            with(
                "mappings",
                vec![
                    mapping(MappingMatch::Value("up".into()), "Up"),
                    mapping(MappingMatch::Range(Some(0.0), Some(9.5)), "low"),
                    mapping(MappingMatch::Range(Some(10.0), None), "high"),
                    mapping(MappingMatch::Range(None, Some(-1.0)), "below"),
                    special(SpecialValue::True, "yes"),
                    special(SpecialValue::False, "no"),
                    special(SpecialValue::Null, "null"),
                    special(SpecialValue::Nan, "nan"),
                    special(SpecialValue::NullOrNan, "neither"),
                    special(SpecialValue::Empty, "empty"),
                ],
            ),
            with(
                "absolute",
                vec![FieldConfig::Thresholds {
                    percentage: false,
                    steps: vec![step(None, "green"), step(Some(80.0), "#ff0000")],
                }],
            ),
            with(
                "percentage",
                vec![FieldConfig::Thresholds {
                    percentage: true,
                    steps: vec![step(None, "green")],
                }],
            ),
            with("links", vec![link("here", false), link("there", true)]),
            with(
                "objects",
                vec![
                    FieldConfig::Color(r#"{"mode":"fixed","fixedColor":"red"}"#.into()),
                    FieldConfig::Custom(
                        r#"{"lineWidth": 2, "nested": {"list": [1, null, true]}}"#.into(),
                    ),
                ],
            ),
        ],
    )
}

fn meta() -> Frame {
    let notice = |severity, text: &str, link: Option<&str>| {
        FrameMeta::Notice(Notice { severity, text: text.into(), link: link.map(str::to_owned) })
    };
    let stat = |display_name: &str, unit: &str, value| {
        FrameMeta::Stat(Stat { display_name: display_name.into(), unit: unit.into(), value })
    };
    let fields = vec![field("id", Column::Int64(vec![1])), field("part", Column::Int64(vec![2]))];
    let meta = vec![
        FrameMeta::Kind(Kind::NumericLong),
        notice(Severity::Info, "for information", None),
        notice(Severity::Warning, "a warning", Some("https://example.com/")),
        notice(Severity::Error, "an error", None),
        stat("Time", "s", 0.25),
        stat("Rows", "", 1e21),
        FrameMeta::ExecutedQuery("SELECT *\nFROM \"t\"".into()),
        FrameMeta::PreferredVisualization(Visualization::NodeGraph),
        FrameMeta::Annotations,
        FrameMeta::Custom(r#"{"cursor": "abc", "list": [1.5, {}]}"#.into()),
        FrameMeta::UniqueRowIdFields(vec![1, 0]),
    ];
    Frame { meta, ..frame("meta", fields) }
}

fn log_lines() -> Frame {
    let fields = vec![
        field("timestamp", Column::Time(vec![MOMENT, MOMENT + 1])),
        field("body", Column::String(texts(["first line", "second\nline"]))),
        nullable(field("severity", Column::String(texts(["info", ""]))), &[0b01]),
        field("labels", Column::Json(texts([r#"{"host":"a"}"#, "{}"]))),
    ];
    let logs = FrameMeta::PreferredVisualization(Visualization::Logs);
    Frame { meta: vec![FrameMeta::Kind(Kind::LogLines), logs], ..frame("", fields) }
}

fn no_rows() -> Frame {
    let fields = vec![
        field("time", Column::Time(Vec::new())),
        nullable(field("value", Column::Float64(Vec::new())), &[]),
        field("text", Column::String(texts([]))),
        field("bool", Column::Bool { length: 0, bytes: Vec::new() }),
    ];
    Frame { meta: vec![FrameMeta::Kind(Kind::TimeseriesMulti)], ..frame("no rows", fields) }
}

fn no_data() -> Frame {
    Frame { meta: vec![FrameMeta::Kind(Kind::TimeseriesMulti)], ..Frame::default() }
}

/// Three pages of one frame, cut where no byte of bits is full.
fn pages() -> Vec<Frame> {
    let page = |rows: std::ops::Range<u32>, validity: u8, values: &[&str]| {
        let times = rows.clone().map(|row| MOMENT + i64::from(row)).collect();
        let floats = rows.map(|row| if row == 3 { f64::NAN } else { f64::from(row) }).collect();
        page(
            "all",
            vec![
                field("time", Column::Time(times)),
                nullable(field("value", Column::Float64(floats)), &[validity]),
                field("text", Column::String(texts(values.iter().copied()))),
            ],
        )
    };
    let first = Frame { name: "pages".into(), ..page(0..3, 0b101, &["a", "b", "c"]) };
    vec![first, page(3..3, 0, &[]), page(3..5, 0b11, &["ddd", ""]), page(5..6, 0, &["f"])]
}
