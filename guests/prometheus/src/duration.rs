//! Durations as Grafana reads and writes them: `15s`, `1h30m`, `1m0s`.

use std::time::Duration;

const NANOSECONDS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;
/// 365.25 days, the average of the Julian calendar.
const YEAR: u64 = 31_557_600;

/// The units that a duration may have, with their nanoseconds. A longer name comes before a shorter
/// one that it begins with.
const UNITS: [(&str, u64); 11] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", NANOSECONDS),
    ("m", 60 * NANOSECONDS),
    ("h", 3_600 * NANOSECONDS),
    ("d", DAY * NANOSECONDS),
    ("w", 7 * DAY * NANOSECONDS),
    ("M", YEAR / 12 * NANOSECONDS),
    ("y", YEAR * NANOSECONDS),
];

/// Reads a duration: numbers with units, or a number alone, which counts seconds. The `<` and `>`
/// that Grafana once wrote before a limit are ignored.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim().trim_start_matches(['<', '>']);
    if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return rest.parse().ok().map(Duration::from_secs);
    }
    let mut total = 0_u64;
    loop {
        let (nanoseconds, after) = part(rest)?;
        total = total.checked_add(nanoseconds)?;
        if after.is_empty() {
            return Some(Duration::from_nanos(total));
        }
        rest = after;
    }
}

/// One number with its unit, and what comes after.
fn part(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, rest) = text.split_at(end);
    let (name, unit) = UNITS.iter().find(|(name, _)| rest.starts_with(name))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = if whole.is_empty() && !fraction.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanoseconds = unit.checked_mul(whole)?;
    if !fraction.is_empty() {
        // Nine digits are more than nanoseconds can tell apart, whatever the unit's user wanted.
        let digits = fraction.get(..9).unwrap_or(fraction);
        let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
        let part = u128::from(*unit) * digits.parse::<u128>().ok()? / scale;
        nanoseconds = nanoseconds.checked_add(u64::try_from(part).ok()?)?;
    }
    Some((nanoseconds, &rest[name.len()..]))
}

/// A duration in one unit, rounded down: what `$__interval` becomes.
pub(crate) fn in_one_unit(duration: Duration) -> String {
    let (seconds, milliseconds) = (duration.as_secs(), duration.as_millis());
    match seconds {
        _ if seconds >= 365 * DAY => format!("{}y", seconds / (365 * DAY)),
        DAY.. => format!("{}d", seconds / DAY),
        3_600.. => format!("{}h", seconds / 3_600),
        60.. => format!("{}m", seconds / 60),
        1.. => format!("{seconds}s"),
        0 => format!("{}ms", milliseconds.max(1)),
    }
}

/// A duration in hours, minutes and seconds, exactly: what `$__rate_interval` becomes, and how the
/// query inspector shows a step.
pub(crate) fn in_hours(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    for (limit, unit) in [(1_000_u128, "ns"), (1_000_000, "µs"), (1_000_000_000, "ms")] {
        if nanoseconds < limit {
            return format!("{}{unit}", decimal(nanoseconds, limit / 1_000));
        }
    }
    let (minutes, seconds) = (duration.as_secs() / 60, nanoseconds % (60 * 1_000_000_000));
    let seconds = decimal(seconds, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// Seconds as a plain decimal number, never with an exponent: how Prometheus is told times and
/// steps.
pub(crate) fn seconds(nanoseconds: i128) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    format!("{sign}{}", decimal(nanoseconds.unsigned_abs(), 1_000_000_000))
}

/// A number of units of a power of ten, without trailing zeros.
fn decimal(number: u128, unit: u128) -> String {
    let (whole, fraction) = (number / unit, number % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = (unit + fraction).to_string();
    format!("{whole}.{}", digits[1..].trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_form_that_dashboards_hold() {
        let cases = [
            ("15s", 15_000),
            ("1m", 60_000),
            ("1h30m", 5_400_000),
            ("1m0s", 60_000),
            ("1.5s", 1_500),
            (".5s", 500),
            ("250ms", 250),
            ("30", 30_000),
            (">10s", 10_000),
            (" 2h ", 7_200_000),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("1M", 2_629_800_000),
            ("1y", 31_557_600_000),
            ("0s", 0),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(parse("7µs"), Some(Duration::from_micros(7)));
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for text in ["", "s", "abc", "1x", "-5s", "1m5", "1..5s", ".s", "$__interval", "9999999y"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("99999999999999999999"), None);
    }

    #[test]
    fn an_interval_has_one_unit() {
        let cases = [
            (0, "1ms"),
            (999, "999ms"),
            (1_500, "1s"),
            (90_000, "1m"),
            (3_600_000, "1h"),
            (86_400_000 * 2, "2d"),
            (31_536_000_000, "1y"),
        ];
        for (milliseconds, expected) in cases {
            assert_eq!(in_one_unit(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn a_rate_interval_is_exact() {
        let cases = [
            (0, "0s"),
            (20, "20ms"),
            (1_500, "1.5s"),
            (60_000, "1m0s"),
            (75_500, "1m15.5s"),
            (3_600_000, "1h0m0s"),
            (90_061_000, "25h1m1s"),
        ];
        for (milliseconds, expected) in cases {
            assert_eq!(in_hours(Duration::from_millis(milliseconds)), expected);
        }
        assert_eq!(in_hours(Duration::from_nanos(1_500)), "1.5µs");
        assert_eq!(in_hours(Duration::from_nanos(7)), "7ns");
    }

    #[test]
    fn seconds_have_no_exponent_and_no_needless_zero() {
        let cases = [
            (1_700_000_000_000_000_000, "1700000000"),
            (1_700_000_000_120_000_000, "1700000000.12"),
            (-1_500_000_000, "-1.5"),
            (1, "0.000000001"),
            (0, "0"),
        ];
        for (nanoseconds, expected) in cases {
            assert_eq!(seconds(nanoseconds), expected);
        }
    }
}
