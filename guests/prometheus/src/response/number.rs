//! Prometheus' numbers: values are texts, because JSON has no NaN and no infinity; times are
//! numbers of seconds.

use graft_guest::{lenient, time};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};

/// The value of a sample: a text that holds a number, or a number as some servers write it.
pub(super) struct Number(pub(super) f64);

/// A point in time, in nanoseconds since the epoch.
pub(super) struct Time(pub(super) i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        required(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = required(deserializer)?;
        if seconds.is_finite() {
            Ok(Self(time::from_seconds(seconds)))
        } else {
            Err(D::Error::invalid_value(Unexpected::Float(seconds), &"a point in time"))
        }
    }
}

fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = lenient::number(deserializer)?;
    number.ok_or_else(|| D::Error::invalid_type(Unexpected::Unit, &"a number"))
}

/// The number in a text: `1`, `-2.5e-7`, `NaN`, `+Inf`.
pub(super) fn parse(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}
