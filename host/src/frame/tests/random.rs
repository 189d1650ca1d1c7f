//! Random frames: what a guest returned, what the Arrow file says and what the JSON document says are the same.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::ipc::reader::FileReader;
use arrow::record_batch::RecordBatch;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{encode, field, nullable, page, texts};
use crate::model::{Column, Field, FieldConfig, Format, Frame};

/// SplitMix64: enough to get everywhere, and the same everywhere.
pub(super) struct Random(pub u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(super) fn list<T>(&mut self, rows: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..rows).map(|_| one(self)).collect()
    }
}

fn column(random: &mut Random, kind: usize, rows: usize) -> Column {
    const TEXTS: [&str; 6] = ["", "a", "\"\\/\u{8}\t\r\n", "grün", "🌱🌱", "null"];
    const DOCUMENTS: [&str; 6] =
        ["null", "{}", "[1, {\"a\": \"\\u0041\"}]", "0.1", "\"\"", " true "];
    match kind {
        0 => Column::Int8(random.list(rows, |random| random.next() as i8)),
        1 => Column::Int16(random.list(rows, |random| random.next() as i16)),
        2 => Column::Int32(random.list(rows, |random| random.next() as i32)),
        3 => Column::Int64(random.list(rows, |random| random.next() as i64)),
        4 => Column::Uint8(random.list(rows, |random| random.next() as u8)),
        5 => Column::Uint16(random.list(rows, |random| random.next() as u16)),
        6 => Column::Uint32(random.list(rows, |random| random.next() as u32)),
        7 => Column::Uint64(random.list(rows, Random::next)),
        8 => Column::Float32(random.list(rows, |random| match random.below(4) {
            0 => random.pick(&[0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
            _ => f32::from_bits(random.next() as u32),
        })),
        9 => Column::Float64(random.list(rows, |random| match random.below(4) {
            0 => random.pick(&[0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
            _ => f64::from_bits(random.next()),
        })),
        10 => Column::String(texts(random.list(rows, |random| random.pick(&TEXTS)))),
        11 => {
            let bytes = random.list(rows.div_ceil(8), |random| random.next() as u8);
            Column::Bool { length: rows as u32, bytes }
        }
        12 => Column::Time(random.list(rows, |random| match random.below(2) {
            0 => (random.next() as i64 >> 20).wrapping_mul(1_000_000),
            _ => random.next() as i64,
        })),
        13 => Column::Json(texts(random.list(rows, |random| random.pick(&DOCUMENTS)))),
        _ => Column::Enum(random.list(rows, |random| random.below(3) as u16)),
    }
}

/// Pages of one frame: up to five fields, up to three pages of up to twenty rows.
fn pages(random: &mut Random) -> Vec<Frame> {
    let shape: Vec<(usize, bool)> = {
        let fields = random.below(6);
        random.list(fields, |random| (random.below(15), random.below(2) == 0))
    };
    let count = 1 + random.below(3);
    random.list(count, |random| {
        let rows = random.below(21);
        let fields = shape.iter().enumerate().map(|(index, &(kind, is_nullable))| {
            let plain = Field {
                config: vec![FieldConfig::EnumTexts(["a", "b", "c"].map(str::to_owned).to_vec())],
                ..field(&format!("f{index}"), column(random, kind, rows))
            };
            let bits = random.list(rows.div_ceil(8), |random| random.next() as u8);
            if is_nullable { nullable(plain, &bits) } else { plain }
        });
        page("k", fields.collect())
    })
}

/// One value, whatever its type: floats by their bits, with one NaN for all.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Missing,
    Integer(i128),
    Float(u64),
    Text(String),
    Bool(bool),
}

fn float(value: f64) -> Cell {
    Cell::Float(if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() })
}

fn bit(bytes: &[u8], row: usize) -> bool {
    bytes[row / 8] >> (row % 8) & 1 == 1
}

fn returned(pages: &[Frame], index: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    for Field { values, validity, .. } in pages.iter().map(|page| &page.fields[index]) {
        let is_valid = |row| validity.as_ref().is_none_or(|bits| bit(bits, row));
        let values = match values {
            Column::Int8(values) => {
                values.iter().map(|&value| Cell::Integer(value.into())).collect()
            }
            Column::Int16(values) => {
                values.iter().map(|&value| Cell::Integer(value.into())).collect()
            }
            Column::Int32(values) => {
                values.iter().map(|&value| Cell::Integer(value.into())).collect()
            }
            Column::Int64(values) | Column::Time(values) => {
                values.iter().map(|&value| Cell::Integer(value.into())).collect()
            }
            Column::Uint8(values) => {
                values.iter().map(|&value| Cell::Integer(value.into())).collect()
            }
            Column::Uint16(values) | Column::Enum(values) => {
                values.iter().map(|&value| Cell::Integer(value.into())).collect()
            }
            Column::Uint32(values) => {
                values.iter().map(|&value| Cell::Integer(value.into())).collect()
            }
            Column::Uint64(values) => {
                values.iter().map(|&value| Cell::Integer(value.into())).collect()
            }
            Column::Float32(values) => values.iter().map(|&value| float(value.into())).collect(),
            Column::Float64(values) => values.iter().map(|&value| float(value)).collect(),
            Column::String(texts) | Column::Json(texts) => {
                let value = |pair: &[i32]| {
                    let range = pair[0].try_into().unwrap()..pair[1].try_into().unwrap();
                    let bytes = &texts.bytes[range];
                    Cell::Text(std::str::from_utf8(bytes).unwrap().to_owned())
                };
                texts.offsets.windows(2).map(value).collect::<Vec<_>>()
            }
            Column::Bool { length, bytes } => {
                (0..*length as usize).map(|row| Cell::Bool(bit(bytes, row))).collect()
            }
        };
        let values = values.into_iter().enumerate();
        cells.extend(values.map(|(row, cell)| if is_valid(row) { cell } else { Cell::Missing }));
    }
    cells
}

fn of_arrow(file: &[u8], index: usize) -> Vec<Cell> {
    let reader = FileReader::try_new(std::io::Cursor::new(file), None).unwrap();
    reader.flat_map(|batch| of_batch(&batch.unwrap(), index)).collect()
}

fn of_batch(batch: &RecordBatch, index: usize) -> Vec<Cell> {
    macro_rules! integers {
        ($type:ty, $column:expr) => {
            $column
                .as_primitive::<$type>()
                .values()
                .iter()
                .map(|&value| Cell::Integer(value.into()))
                .collect()
        };
    }
    let column = batch.column(index);
    let cells: Vec<Cell> = match column.data_type() {
        DataType::Int8 => integers!(Int8Type, column),
        DataType::Int16 => integers!(Int16Type, column),
        DataType::Int32 => integers!(Int32Type, column),
        DataType::Int64 => integers!(Int64Type, column),
        DataType::UInt8 => integers!(UInt8Type, column),
        DataType::UInt16 => integers!(UInt16Type, column),
        DataType::UInt32 => integers!(UInt32Type, column),
        DataType::UInt64 => integers!(UInt64Type, column),
        DataType::Timestamp(..) => integers!(TimestampNanosecondType, column),
        DataType::Float32 => column
            .as_primitive::<Float32Type>()
            .values()
            .iter()
            .map(|&value| float(value.into()))
            .collect(),
        DataType::Float64 => column
            .as_primitive::<Float64Type>()
            .values()
            .iter()
            .map(|&value| float(value))
            .collect(),
        DataType::Boolean => column.as_boolean().values().iter().map(Cell::Bool).collect(),
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            (0..texts.len()).map(|row| Cell::Text(texts.value(row).to_owned())).collect()
        }
        DataType::Binary => {
            let documents = column.as_binary::<i32>();
            let text = |row| String::from_utf8(documents.value(row).to_vec()).unwrap();
            (0..documents.len()).map(|row| Cell::Text(text(row))).collect()
        }
        other => panic!("Grafana cannot read {other}"),
    };
    let cells = cells.into_iter().enumerate();
    cells.map(|(row, cell)| if column.is_null(row) { Cell::Missing } else { cell }).collect()
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    values: Vec<Vec<&'a RawValue>>,
    #[serde(default)]
    entities: Vec<Option<Entities>>,
    #[serde(default)]
    nanos: Vec<Option<Vec<i128>>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Entities {
    #[serde(rename = "NaN")]
    not_a_number: Vec<usize>,
    #[serde(rename = "Inf")]
    infinite: Vec<usize>,
    #[serde(rename = "NegInf")]
    negative_infinite: Vec<usize>,
}

fn of_json(data: &Data, index: usize, values: &Column) -> Vec<Cell> {
    let entities = data.entities.get(index).cloned().flatten().unwrap_or_default();
    let nanos = data.nanos.get(index).and_then(Option::as_ref);
    let cell = |(row, json): (usize, &&RawValue)| {
        let is_float = matches!(values, Column::Float32(_) | Column::Float64(_));
        match (values, json.get()) {
            // Leading and trailing blanks of a document are not part of it.
            (Column::Json(_), text) => Cell::Text(text.to_owned()),
            (_, "null") if is_float && entities.not_a_number.contains(&row) => float(f64::NAN),
            (_, "null") if is_float && entities.infinite.contains(&row) => float(f64::INFINITY),
            (_, "null") if is_float && entities.negative_infinite.contains(&row) => {
                float(f64::NEG_INFINITY)
            }
            (_, "null") => Cell::Missing,
            (Column::Float32(_), text) => float(text.parse::<f32>().unwrap().into()),
            (Column::Float64(_), text) => float(text.parse().unwrap()),
            (Column::Bool { .. }, text) => Cell::Bool(text.parse().unwrap()),
            (Column::String(_), text) => Cell::Text(serde_json::from_str(text).unwrap()),
            (Column::Time(_), text) => {
                let rest = nanos.map_or(0, |nanos| nanos[row]);
                Cell::Integer(text.parse::<i128>().unwrap() * 1_000_000 + rest)
            }
            (_, text) => Cell::Integer(text.parse().unwrap()),
        }
    };
    data.values[index].iter().enumerate().map(cell).collect()
}

/// What JSON cannot tell apart is made the same: no document and the document `null`, and blanks around one.
fn as_json_tells(cells: Vec<Cell>) -> Vec<Cell> {
    let one = |cell| match cell {
        Cell::Missing => Cell::Text("null".into()),
        Cell::Text(text) => Cell::Text(text.trim().to_owned()),
        other => other,
    };
    cells.into_iter().map(one).collect()
}

#[test]
fn arrow_and_json_say_what_the_guest_returned() {
    for seed in 0..400 {
        let mut random = Random(seed);
        let pages = pages(&mut random);
        let arrow = encode(vec![pages.clone()], Format::Arrow).unwrap().remove(0);
        let json = encode(vec![pages.clone()], Format::Json).unwrap().remove(0);
        let document: Document = serde_json::from_slice(&json).unwrap();
        assert_eq!(document.data.values.len(), pages[0].fields.len(), "seed {seed}");

        for (index, field) in pages[0].fields.iter().enumerate() {
            let expected = returned(&pages, index);
            assert_eq!(of_arrow(&arrow, index), expected, "Arrow, seed {seed}, field {index}");
            let found = of_json(&document.data, index, &field.values);
            match field.values {
                Column::Json(_) => assert_eq!(
                    as_json_tells(found),
                    as_json_tells(expected),
                    "JSON, seed {seed}, field {index}"
                ),
                _ => assert_eq!(found, expected, "JSON, seed {seed}, field {index}"),
            }
        }
    }
}
