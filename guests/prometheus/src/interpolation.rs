//! Grafana's variables in an expression: `$__interval`, `${__rate_interval}` and their kin.
//!
//! The user's own variables are replaced by Grafana's front end before a query gets here.

use crate::duration::{in_hours, in_one_unit};
use crate::interval::Timing;

/// Replaces the variables that depend on the query's timing.
///
/// A name ends where the longest known one ends, whatever letter comes next, as in Grafana.
pub(crate) fn interpolate(expression: &str, timing: &Timing) -> String {
    let range_milliseconds = timing.range.as_millis();
    let range_seconds = (range_milliseconds + 500) / 1_000;
    // A longer name comes before a shorter one that it begins with.
    let variables = [
        ("interval_ms", timing.step.as_millis().to_string()),
        ("interval", in_one_unit(timing.step)),
        ("range_ms", range_milliseconds.to_string()),
        ("range_s", range_seconds.to_string()),
        ("range", format!("{range_seconds}s")),
        ("rate_interval_ms", timing.rate_interval.as_millis().to_string()),
        ("rate_interval", in_hours(timing.rate_interval)),
    ];
    let mut text = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(position) = rest.find('$') {
        let (before, from_dollar) = rest.split_at(position);
        text.push_str(before);
        let found = variables.iter().find_map(|(name, value)| {
            let after = after_variable(from_dollar, name)?;
            Some((value, after))
        });
        rest = match found {
            Some((value, after)) => {
                text.push_str(value);
                after
            }
            None => {
                text.push('$');
                &from_dollar[1..]
            }
        };
    }
    text.push_str(rest);
    text
}

/// What comes after this variable, if the text begins with it.
fn after_variable<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    if let Some(braced) = text.strip_prefix("${__") {
        return braced.strip_prefix(name)?.strip_prefix('}');
    }
    text.strip_prefix("$__")?.strip_prefix(name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_variable_becomes_what_grafana_makes_of_it() {
        let timing = Timing {
            step: Duration::from_secs(90),
            rate_interval: Duration::from_secs(105),
            range: Duration::from_millis(3_600_500),
        };
        let cases = [
            ("$__interval", "1m"),
            ("${__interval}", "1m"),
            ("$__interval_ms", "90000"),
            ("${__interval_ms}", "90000"),
            ("$__rate_interval", "1m45s"),
            ("${__rate_interval}", "1m45s"),
            ("$__rate_interval_ms", "105000"),
            ("${__rate_interval_ms}", "105000"),
            ("$__range", "3601s"),
            ("${__range}", "3601s"),
            ("$__range_s", "3601"),
            ("${__range_s}", "3601"),
            ("$__range_ms", "3600500"),
            ("${__range_ms}", "3600500"),
            ("rate(a[$__rate_interval]) + b[$__range]", "rate(a[1m45s]) + b[3601s]"),
            ("a[$__interval:$__interval]", "a[1m:1m]"),
        ];
        for (expression, expected) in cases {
            assert_eq!(interpolate(expression, &timing), expected, "{expression}");
        }
    }

    #[test]
    fn whatever_else_has_a_dollar_stays() {
        let timing = Timing {
            step: Duration::from_secs(15),
            rate_interval: Duration::from_secs(60),
            range: Duration::from_secs(60),
        };
        let texts =
            [r#"up{job=~"a$|b$"}"#, "$", "$__", "$job", "${__interval", "${__intervals}", "é$é"];
        for text in texts {
            assert_eq!(interpolate(text, &timing), text);
        }
    }
}
