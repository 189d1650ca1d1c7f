//! A matrix as Prometheus prints it, read in one pass.
//!
//! The samples of a large matrix are nearly all of its bytes and have one form only,
//! `[1700000000.123,"0.5"],`. This module reads that form and nothing else; everything around it is
//! left to the general reader: labels, and the envelope with the series cut out of it. At the first
//! byte that is different the whole document is the general reader's, so that what is accepted, and
//! what an error says, is decided in one place.

use graft_guest::lenient::leading_number;
use graft_guest::time;
use serde_json::Deserializer;

use super::document::{Data, Document};
use super::{Labels, Series};

/// What comes before the first series: `resultType` and `result` are the first members of `data`.
const RESULT: &[u8] = br#""data":{"resultType":"matrix","result":["#;

/// How much of the body may come before `data`: `{"status":"success",` and what some servers add.
const ENVELOPE_BYTES: usize = 256;

/// A series without a predecessor to learn from gets room for this many samples: no more than a
/// Prometheus returns for one (its limit is 11,000), as long as the body can hold them.
const SAMPLES_EXPECTED: usize = 11_001;

/// The shortest sample, `[0,"1"],`, in bytes.
const SAMPLE_BYTES_MIN: usize = 8;

/// The longest text of a value that is looked at: no double needs more.
const VALUE_BYTES_MAX: usize = 400;

/// Reads the body, or finds that it is for the general reader.
pub(super) fn read(body: &[u8]) -> Option<Document<Data>> {
    let beginning = body.get(..ENVELOPE_BYTES).unwrap_or(body);
    let data = beginning.windows(RESULT.len()).position(|window| window == RESULT)?;
    // Only in the outermost object is `data` what it looks like.
    if body.first() != Some(&b'{') || body[1..data].iter().any(|byte| matches!(byte, b'{' | b'[')) {
        return None;
    }
    let start = data + RESULT.len();
    let mut cursor = Cursor { body, position: start };
    let mut series: Vec<Series> = Vec::new();
    if cursor.peek() != b']' {
        loop {
            let like = series.last().map_or(SAMPLES_EXPECTED, |last| last.times.len());
            series.push(cursor.series(like)?);
            if !cursor.skip(b",") {
                break;
            }
        }
    }
    let mut envelope = body[..start].to_vec();
    envelope.extend_from_slice(&body[cursor.position..]);
    let mut document: Document<Data> = serde_json::from_slice(&envelope).ok()?;
    let result = &mut document.data.as_mut()?.result.series;
    if !result.is_empty() {
        return None;
    }
    *result = series;
    Some(document)
}

/// A place in the body.
struct Cursor<'body> {
    body: &'body [u8],
    position: usize,
}

impl Cursor<'_> {
    /// The byte here, or 0 at the end: no JSON has a byte 0.
    #[inline(always)]
    fn peek(&self) -> u8 {
        self.body.get(self.position).copied().unwrap_or(0)
    }

    /// Passes these bytes, if they are here.
    #[inline(always)]
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let found = self.body[self.position..].starts_with(bytes);
        self.position += if found { bytes.len() } else { 0 };
        found
    }

    /// A series with room for so many samples.
    fn series(&mut self, like: usize) -> Option<Series> {
        if !self.skip(br#"{"metric":"#) {
            return None;
        }
        let mut labels =
            Deserializer::from_slice(&self.body[self.position..]).into_iter::<Labels>();
        let found = labels.next()?.ok()?;
        self.position += labels.byte_offset();
        if !self.skip(br#","values":["#) {
            return None;
        }
        let room = like.min((self.body.len() - self.position) / SAMPLE_BYTES_MIN);
        let (mut times, mut values) = (Vec::with_capacity(room), Vec::with_capacity(room));
        loop {
            if times.len() == times.capacity() {
                let room = self.room(times.len());
                times.reserve_exact(room);
                values.reserve_exact(room);
            }
            let (time, value) = self.sample()?;
            times.push(time);
            values.push(value);
            match self.peek() {
                b',' => self.position += 1,
                b']' => break,
                _ => return None,
            }
        }
        if !self.skip(b"]}") {
            return None;
        }
        times.shrink_to_fit();
        values.shrink_to_fit();
        Some(Series { labels: found, times, values, ..Series::default() })
    }

    /// How many samples to make room for after so many: as many again, but not more than the rest
    /// of the body can hold.
    fn room(&self, length: usize) -> usize {
        let rest = (self.body.len() - self.position) / SAMPLE_BYTES_MIN + 1;
        length.max(16).min(rest)
    }

    /// One sample: nanoseconds and a value.
    #[inline(always)]
    fn sample(&mut self) -> Option<(i64, f64)> {
        if self.peek() != b'[' {
            return None;
        }
        self.position += 1;
        let time = self.time()?;
        if !self.skip(b",\"") {
            return None;
        }
        let value = self.value()?;
        if !self.skip(b"\"]") {
            return None;
        }
        Some((time, value))
    }

    /// A point in time, by the general reader's own rule.
    #[inline(always)]
    fn time(&mut self) -> Option<i64> {
        self.number().map(time::from_seconds)
    }

    /// A value, up to its closing quote: mostly a decimal number.
    #[inline(always)]
    fn value(&mut self) -> Option<f64> {
        let start = self.position;
        if let Some(number) = self.number()
            && self.peek() == b'"'
        {
            return Some(number);
        }
        self.position = start;
        let length = self.quote()?;
        self.position += length;
        parse(&self.body[start..self.position])
    }

    /// A number of JSON.
    #[inline(always)]
    fn number(&mut self) -> Option<f64> {
        let (number, length) = leading_number(self.body.get(self.position..)?)?;
        self.position += length;
        Some(number)
    }

    /// How far the next quote is.
    fn quote(&self) -> Option<usize> {
        let rest = &self.body[self.position..];
        let rest = rest.get(..VALUE_BYTES_MAX).unwrap_or(rest);
        rest.iter().position(|byte| *byte == b'"')
    }
}

/// Any number as text: with many digits or an exponent, infinite, or none.
fn parse(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
