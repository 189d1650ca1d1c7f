//! Frames made of bytes. Most of their parts fit together, because otherwise nothing would come further than the first check.

use arbitrary::{Result, Unstructured};
use graft_host::model::{
    Column, Field, FieldConfig, Frame, FrameMeta, Kind, Link, MappingMatch, Notice, Severity,
    SpecialValue, Stat, Texts, Threshold, ValueMapping, Visualization,
};

/// A few frames.
pub(super) fn frames(bytes: &mut Unstructured<'_>) -> Result<Vec<Frame>> {
    some(bytes, 3, frame)
}

fn frame(bytes: &mut Unstructured<'_>) -> Result<Frame> {
    let rows = bytes.int_in_range(0..=9)?;
    Ok(Frame {
        name: text(bytes)?,
        page_key: if bytes.ratio(1, 3)? { Some(text(bytes)?) } else { None },
        fields: some(bytes, 5, |bytes| field(bytes, rows))?,
        meta: some(bytes, 3, meta)?,
    })
}

fn field(bytes: &mut Unstructured<'_>, rows: usize) -> Result<Field> {
    let rows = if rarely(bytes)? { bytes.int_in_range(0..=9)? } else { rows };
    Ok(Field {
        name: text(bytes)?,
        labels: some(bytes, 2, |bytes| Ok((text(bytes)?, text(bytes)?)))?,
        config: some(bytes, 3, config)?,
        values: column(bytes, rows)?,
        validity: if bytes.ratio(1, 3)? { Some(bits(bytes, rows)?) } else { None },
    })
}

fn column(bytes: &mut Unstructured<'_>, rows: usize) -> Result<Column> {
    macro_rules! values {
        ($column:ident) => {
            Column::$column(exactly(bytes, rows, |bytes| bytes.arbitrary())?)
        };
    }
    Ok(match bytes.int_in_range(0..=16)? {
        0 => values!(Int8),
        1 => values!(Int16),
        2 => values!(Int32),
        3 => values!(Int64),
        4 => values!(Uint8),
        5 => values!(Uint16),
        6 => values!(Uint32),
        7 => values!(Uint64),
        8 => values!(Float32),
        9 | 10 => values!(Float64),
        11 => Column::String(texts(bytes, rows, text)?),
        12 => Column::Bool {
            length: if rarely(bytes)? { bytes.arbitrary()? } else { rows as u32 },
            bytes: bits(bytes, rows)?,
        },
        13 => values!(Time),
        // As a series has them.
        14 => Column::Time((0_i64..).map(|row| row * 1_000_000_000).take(rows).collect()),
        15 => Column::Json(texts(bytes, rows, json)?),
        _ => Column::Enum(exactly(bytes, rows, |bytes| bytes.int_in_range(0..=3))?),
    })
}

fn texts(
    bytes: &mut Unstructured<'_>,
    rows: usize,
    one: impl Fn(&mut Unstructured<'_>) -> Result<String>,
) -> Result<Texts> {
    let mut texts = Texts { offsets: vec![0], bytes: Vec::new() };
    for _row in 0..rows {
        texts.bytes.extend(one(bytes)?.into_bytes());
        texts.offsets.push(i32::try_from(texts.bytes.len()).unwrap_or(i32::MAX));
    }
    if rarely(bytes)? {
        let at = bytes.choose_index(texts.offsets.len())?;
        texts.offsets[at] = bytes.arbitrary()?;
    }
    if rarely(bytes)? && !texts.bytes.is_empty() {
        let at = bytes.choose_index(texts.bytes.len())?;
        texts.bytes[at] = bytes.arbitrary()?;
    }
    Ok(texts)
}

/// One bit for each row, and now and then too few or too many.
fn bits(bytes: &mut Unstructured<'_>, rows: usize) -> Result<Vec<u8>> {
    let length = if rarely(bytes)? { bytes.int_in_range(0..=3)? } else { rows.div_ceil(8) };
    exactly(bytes, length, |bytes| bytes.arbitrary())
}

fn config(bytes: &mut Unstructured<'_>) -> Result<FieldConfig> {
    Ok(match bytes.int_in_range(0..=17)? {
        0 => FieldConfig::DisplayName(text(bytes)?),
        1 => FieldConfig::DisplayNameFromDs(text(bytes)?),
        2 => FieldConfig::Description(text(bytes)?),
        3 => FieldConfig::Path(text(bytes)?),
        4 => FieldConfig::Unit(text(bytes)?),
        5 => FieldConfig::Decimals(bytes.arbitrary()?),
        6 => FieldConfig::Min(bytes.arbitrary()?),
        7 => FieldConfig::Max(bytes.arbitrary()?),
        8 => FieldConfig::IntervalMilliseconds(bytes.arbitrary()?),
        9 => FieldConfig::Filterable(bytes.arbitrary()?),
        10 => FieldConfig::Writeable(bytes.arbitrary()?),
        11 => FieldConfig::NoValue(text(bytes)?),
        12 => FieldConfig::Link(Link {
            title: text(bytes)?,
            url: text(bytes)?,
            new_tab: bytes.arbitrary()?,
        }),
        13 => FieldConfig::Mapping(mapping(bytes)?),
        14 => FieldConfig::Thresholds {
            percentage: bytes.arbitrary()?,
            steps: some(bytes, 3, |bytes| {
                Ok(Threshold { value: bytes.arbitrary()?, color: text(bytes)? })
            })?,
        },
        15 => FieldConfig::Color(json(bytes)?),
        16 => FieldConfig::EnumTexts(some(bytes, 4, text)?),
        _ => FieldConfig::Custom(json(bytes)?),
    })
}

fn mapping(bytes: &mut Unstructured<'_>) -> Result<ValueMapping> {
    use SpecialValue::{Empty, False, Nan, Null, NullOrNan, True};
    let when = match bytes.int_in_range(0..=2)? {
        0 => MappingMatch::Value(text(bytes)?),
        1 => MappingMatch::Range(bytes.arbitrary()?, bytes.arbitrary()?),
        _ => MappingMatch::Special(*bytes.choose(&[True, False, Null, Nan, NullOrNan, Empty])?),
    };
    let color = if bytes.arbitrary()? { Some(text(bytes)?) } else { None };
    Ok(ValueMapping { when, text: Some(text(bytes)?), color })
}

fn meta(bytes: &mut Unstructured<'_>) -> Result<FrameMeta> {
    use Visualization::{FlameGraph, Graph, Logs, NodeGraph, Table, Trace};
    const KINDS: [Kind; 11] = [
        Kind::TimeseriesWide,
        Kind::TimeseriesMulti,
        Kind::TimeseriesLong,
        Kind::NumericWide,
        Kind::NumericMulti,
        Kind::NumericLong,
        Kind::LogLines,
        Kind::Table,
        Kind::HeatmapRows,
        Kind::HeatmapCells,
        Kind::DirectoryListing,
    ];
    Ok(match bytes.int_in_range(0..=8)? {
        0 | 1 => FrameMeta::Kind(*bytes.choose(&KINDS)?),
        2 => FrameMeta::Notice(Notice {
            severity: *bytes.choose(&[Severity::Info, Severity::Warning, Severity::Error])?,
            text: text(bytes)?,
            link: if bytes.arbitrary()? { Some(text(bytes)?) } else { None },
        }),
        3 => FrameMeta::Stat(Stat {
            display_name: text(bytes)?,
            unit: text(bytes)?,
            value: bytes.arbitrary()?,
        }),
        4 => FrameMeta::ExecutedQuery(text(bytes)?),
        5 => FrameMeta::PreferredVisualization(
            *bytes.choose(&[Graph, Table, Logs, Trace, NodeGraph, FlameGraph])?,
        ),
        6 => FrameMeta::Annotations,
        7 => FrameMeta::Custom(json(bytes)?),
        _ => FrameMeta::UniqueRowIdFields(some(bytes, 3, |bytes| bytes.int_in_range(0..=6))?),
    })
}

/// A word that means something, or anything.
fn text(bytes: &mut Unstructured<'_>) -> Result<String> {
    const WORDS: [&str; 10] =
        ["", "time", "value", "a", "host", "\"", "é\u{1F600}", "\u{0}", "timestamp", "body"];
    match bytes.int_in_range(0..=WORDS.len())? {
        own if own == WORDS.len() => bytes.arbitrary(),
        word => Ok(WORDS[word].to_owned()),
    }
}

/// JSON, more or less.
fn json(bytes: &mut Unstructured<'_>) -> Result<String> {
    const DOCUMENTS: [&str; 8] = [
        "{}",
        "null",
        "[]",
        r#"{"a":[1,2.5e300,"\u0000"]}"#,
        r#"{"mode":"fixed","fixedColor":"red"}"#,
        "1e999",
        "{",
        "\"\\ud800\"",
    ];
    match bytes.int_in_range(0..=DOCUMENTS.len())? {
        own if own == DOCUMENTS.len() => bytes.arbitrary(),
        document => Ok(DOCUMENTS[document].to_owned()),
    }
}

fn rarely(bytes: &mut Unstructured<'_>) -> Result<bool> {
    bytes.ratio(1, 16)
}

fn some<T>(
    bytes: &mut Unstructured<'_>,
    most: usize,
    one: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = bytes.int_in_range(0..=most)?;
    exactly(bytes, count, one)
}

fn exactly<T>(
    bytes: &mut Unstructured<'_>,
    count: usize,
    mut one: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..count).map(|_index| one(bytes)).collect()
}
