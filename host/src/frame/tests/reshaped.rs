//! Random long frames and random series, against slow and plain ways to make one wide frame of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::random::Random;
use super::{field, frame, nullable, page, texts};
use crate::frame::Frames;
use crate::limits::Limits;
use crate::model::{Column, Field, Format, Frame, FrameMeta, Kind};

/// A series: its name, and its labels in the order that series are sorted by.
type Identity = (String, Vec<(String, String)>);

/// The points of each series, and all times there are.
#[derive(Default)]
struct Expected {
    series: BTreeMap<Identity, BTreeMap<i64, Option<i64>>>,
    times: BTreeSet<i64>,
}

impl Expected {
    /// Names and labels of the fields after the first, and the values of all.
    fn shown(&self) -> Value {
        let fields: Vec<Value> = self
            .series
            .keys()
            .map(|(name, labels)| {
                let labels: BTreeMap<_, _> = labels.iter().cloned().collect();
                json!([name, labels])
            })
            .collect();
        let times: Vec<i64> = self.times.iter().copied().collect();
        let mut values = vec![json!(times)];
        values.extend(self.series.values().map(|points| {
            let at = |time: &i64| points.get(time).copied().flatten();
            json!(times.iter().map(at).collect::<Vec<_>>())
        }));
        json!({"fields": fields, "values": values})
    }
}

/// The same of a frame that was written.
fn shown(document: &[u8]) -> Value {
    let document: Value = serde_json::from_slice(document).unwrap();
    let fields = document["schema"]["fields"].as_array().unwrap();
    let fields: Vec<Value> = fields[1..]
        .iter()
        .map(|field| {
            let labels = field.get("labels").cloned().unwrap_or_else(|| json!({}));
            json!([field["name"], labels])
        })
        .collect();
    json!({"fields": fields, "values": document["data"]["values"]})
}

fn times(values: &[i64]) -> Field {
    field("time", Column::Time(values.iter().map(|time| time * 1_000_000).collect()))
}

/// So many bits, bit by bit.
fn bytes(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    bits.chunks(8).map(byte).collect()
}

/// A long frame in pages, and what it is as a wide one.
fn long(random: &mut Random) -> (Vec<Frame>, Expected) {
    let dimensions = random.below(4);
    let values = 1 + random.below(2);
    let mut expected = Expected::default();
    let mut time = 0;
    let pages = 1 + random.below(3);
    let pages = random.list(pages, |random| {
        let rows = random.below(12);
        let row_times = random.list(rows, |random| {
            time += i64::from(random.below(3) == 0);
            time
        });
        expected.times.extend(&row_times);
        let mut fields = vec![times(&row_times)];
        let mut labels: Vec<Vec<(String, String)>> = vec![Vec::new(); rows];
        for dimension in 0..dimensions {
            let name = format!("d{}", 9 - dimension);
            let valid = random.list(rows, |random| random.below(4) > 0);
            let is_text = dimension % 2 == 0;
            let words = random.list(rows, |random| {
                if is_text {
                    random.pick(&["", "a", "ü"])
                } else {
                    random.pick(&["true", "false"])
                }
            });
            for (row, word) in words.iter().enumerate() {
                let nothing = if is_text { "" } else { "false" };
                let word = if valid[row] { word } else { nothing };
                labels[row].push((name.clone(), word.to_owned()));
            }
            let bits: Vec<bool> = words.iter().map(|word| *word == "true").collect();
            let column = match is_text {
                true => Column::String(texts(words.iter().copied())),
                false => Column::Bool { length: rows as u32, bytes: bytes(&bits) },
            };
            fields.push(nullable(field(&name, column), &bytes(&valid)));
        }
        for value in 0..values {
            let name = format!("v{}", values - value);
            let numbers = random.list(rows, |random| random.next() as i32);
            let valid = random.list(rows, |random| random.below(4) > 0);
            for row in 0..rows {
                let series = expected.series.entry((name.clone(), labels[row].clone()));
                let number = valid[row].then_some(i64::from(numbers[row]));
                series.or_default().insert(row_times[row], number);
            }
            fields.push(nullable(field(&name, Column::Int32(numbers)), &bytes(&valid)));
        }
        Frame { meta: vec![FrameMeta::Kind(Kind::TimeseriesLong)], ..page("k", fields) }
    });
    (pages, expected)
}

#[test]
fn a_long_frame_has_the_same_points_when_it_is_wide() {
    let mut compared = 0;
    for seed in 0..500 {
        let (pages, expected) = long(&mut Random(seed));
        let mut frames = Frames::new(&Limits::default());
        frames.add(pages).unwrap();
        let frames = frames.complete().unwrap();
        let encoded = frames.for_alert().unwrap().encode("A", Format::Json).unwrap().remove(0);
        if !expected.times.is_empty() {
            assert_eq!(shown(&encoded), expected.shown(), "seed {seed}");
            compared += 1;
        }
    }
    assert!(compared > 400, "only {compared} frames had rows");
}

/// Frames of one to three series each, and what they are together.
fn series(random: &mut Random) -> (Vec<Frame>, Expected) {
    let mut expected = Expected::default();
    let count = 2 + random.below(4);
    let shared = random.below(3) == 0;
    let own_times =
        |random: &mut Random| -> Vec<i64> { (0..12).filter(|_| random.below(2) == 0).collect() };
    let common = own_times(random);
    let mut next = 0;
    let frames = random.list(count, |random| {
        let row_times = if shared { common.clone() } else { own_times(random) };
        expected.times.extend(&row_times);
        let mut fields = vec![times(&row_times)];
        for _ in 0..1 + random.below(3) {
            // Sorting by text and by number differ.
            let labels = vec![("id".to_owned(), next.to_string())];
            next += 7;
            let name = random.pick(&["b", "a", ""]);
            let numbers = random.list(row_times.len(), |random| random.next() as i32);
            let points = row_times.iter().copied();
            let points = points.zip(numbers.iter().map(|number| Some(i64::from(*number))));
            expected.series.insert((name.to_owned(), labels.clone()), points.collect());
            fields.push(Field { labels, ..field(name, Column::Int32(numbers)) });
        }
        let at = random.below(fields.len());
        fields.swap(0, at);
        frame("", fields)
    });
    (frames, expected)
}

#[test]
fn series_have_the_same_points_when_they_are_joined() {
    for seed in 0..500 {
        let (frames, expected) = series(&mut Random(seed));
        let mut all = Frames::new(&Limits::default());
        all.add(frames).unwrap();
        let joined = all.complete().unwrap().into_live().unwrap().unwrap();
        assert_eq!(shown(&joined.whole("A").unwrap()), unnamed(expected.shown()), "seed {seed}");
    }
}

/// An empty name is not written.
fn unnamed(mut shown: Value) -> Value {
    for field in shown["fields"].as_array_mut().unwrap() {
        if field[0] == "" {
            field[0] = Value::Null;
        }
    }
    shown
}
