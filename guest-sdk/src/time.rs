//! Points in time: the contract counts nanoseconds since the Unix epoch in UTC, APIs seldom do.
//!
//! A guest sees no clock; the only "now" it has is the end of the query's time range.

/// A point in time from seconds since the epoch, to the microsecond, which is what a double of
/// today can hold.
///
/// What is out of range becomes the nearest point in time there is, and what is not a number the
/// epoch.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is promised")]
#[inline]
pub fn from_seconds(seconds: f64) -> i64 {
    /// What 64 bits hold of microseconds, and more would not make of nanoseconds.
    const MOST: i64 = i64::MAX / 1_000;
    let microseconds = round(seconds * 1e6) as i64;
    // In WebAssembly `saturating_mul` is a call and a product of 128 bits.
    if (-MOST..=MOST).contains(&microseconds) {
        microseconds * 1_000
    } else if microseconds < 0 {
        i64::MIN
    } else {
        i64::MAX
    }
}

/// [`f64::round`], of instructions that WebAssembly has: there it is a call.
#[inline]
fn round(number: f64) -> f64 {
    let whole = number.trunc();
    // The difference is exact.
    if (number - whole).abs() >= 0.5 { whole + 1_f64.copysign(number) } else { whole }
}

/// A point in time from milliseconds since the epoch. What is out of range becomes the nearest
/// there is.
pub fn from_milliseconds(milliseconds: i64) -> i64 {
    milliseconds.saturating_mul(1_000_000)
}

/// Seconds since the epoch, to the millisecond. Printed it is a plain decimal number such as
/// `1700000000.5`, never with an exponent.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of the next 285,000 years are exact")]
pub fn to_seconds(nanoseconds: i64) -> f64 {
    // Whole milliseconds first: a double holds these exactly, nanoseconds since 1970 it does not.
    to_milliseconds(nanoseconds) as f64 / 1e3
}

/// Whole milliseconds since the epoch, rounded down.
pub fn to_milliseconds(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_nanoseconds_to_the_microsecond() {
        assert_eq!(from_seconds(1_700_000_000.123_456), 1_700_000_000_123_456_000);
        assert_eq!(from_seconds(-1.5), -1_500_000_000);
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        let numbers = [0.5, 0.499_999_999_999_999_94, 1.5, 2.5, 4_503_599_627_370_495.5, 1e300];
        for number in numbers.into_iter().flat_map(|number| [number, -number]) {
            assert_eq!(round(number).to_bits(), number.round().to_bits(), "{number}");
        }
        assert!(round(f64::NAN).is_nan());
        assert_eq!(round(f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn what_is_out_of_range_saturates_and_never_panics() {
        assert_eq!(from_seconds(f64::INFINITY), i64::MAX);
        assert_eq!(from_seconds(f64::NAN), 0);
        for seconds in
            [9_223_372_036.854, 9_223_372_036.855, -9_223_372_036.854, -9_223_372_036.855]
        {
            let expected = ((seconds * 1e6_f64).round() as i64).saturating_mul(1_000);
            assert_eq!(from_seconds(seconds), expected, "{seconds}");
        }
        assert_eq!(from_milliseconds(i64::MIN), i64::MIN);
    }

    #[test]
    fn nanoseconds_print_as_plain_decimal_seconds() {
        assert_eq!(to_seconds(1_700_000_000_500_999_999).to_string(), "1700000000.5");
        assert_eq!(to_seconds(1_700_000_000_000_000_000).to_string(), "1700000000");
        assert_eq!(to_milliseconds(-1), -1);
    }
}
