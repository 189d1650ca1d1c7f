//! A guest, a query of a million numbers, and what its API answers.

use std::fmt::Write as _;

use anyhow::bail;
use serde_json::{Value, json};

use crate::bench::api::Api;
use crate::bench::large::ROWS;

/// Of Prometheus' answer; each has as many points as the million needs.
const SERIES: u32 = 100;
const POINTS: u32 = 10_000;
/// From one point to the next.
const STEP_SECONDS: u32 = 15;
/// When the first point is; a multiple of the step, as Prometheus aligns them.
const FIRST_SECONDS: u32 = 1_699_999_995;

/// What is asked, and of whom.
pub(super) struct Case {
    pub(super) guest: &'static str,
    /// The data source's `jsonData`.
    pub(super) settings: Value,
    pub(super) query: Value,
    /// Milliseconds since the epoch.
    pub(super) range: (i64, i64),
    pub(super) body: String,
    /// How many there are in the frames.
    pub(super) numbers: usize,
}

impl Case {
    /// The case of one of the guests that are compared.
    pub(super) fn of(guest: &'static str) -> anyhow::Result<Self> {
        match guest {
            "things" => Ok(Self {
                guest,
                settings: json!({ "guest": guest, "thing": "x" }),
                query: Api::Things.query(),
                range: (1_700_000_000_000, 1_700_003_600_000),
                body: Api::Things.body(ROWS),
                numbers: ROWS,
            }),
            "prometheus" => {
                let milliseconds = |seconds: u32| i64::from(seconds) * 1_000;
                let last = FIRST_SECONDS + (POINTS - 1) * STEP_SECONDS;
                Ok(Self {
                    guest,
                    settings: json!({ "guest": guest, "httpMethod": "GET" }),
                    query: json!({ "expr": "demo", "range": true, "interval": "15s", "refId": "A" }),
                    range: (milliseconds(FIRST_SECONDS), milliseconds(last)),
                    body: matrix(SERIES, POINTS),
                    numbers: (SERIES * POINTS) as usize,
                })
            }
            other => bail!("there is no large body for guest '{other}'"),
        }
    }
}

/// Prometheus' answer to a range query. Values have as many digits as measured ones.
fn matrix(series: u32, points: u32) -> String {
    let mut body = r#"{"status":"success","data":{"resultType":"matrix","result":["#.to_owned();
    for number in 0..series {
        let separator = if number == 0 { "" } else { "," };
        let _infallible = write!(
            body,
            r#"{separator}{{"metric":{{"__name__":"demo","instance":"host-{number}:9100"}},"values":["#
        );
        for point in 0..points {
            let separator = if point == 0 { "" } else { "," };
            let time = FIRST_SECONDS + point * STEP_SECONDS;
            let value = f64::from(point * 7919 + number * 104_729) / 1_024.0;
            let _infallible = write!(body, r#"{separator}[{time},"{value:.3}"]"#);
        }
        body += "]}";
    }
    body + "]}}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_what_prometheus_answers() {
        let body: Value = serde_json::from_str(&matrix(2, 3)).unwrap();
        let series = body["data"]["result"].as_array().unwrap();
        assert_eq!(series.len(), 2);
        assert_eq!(series[1]["metric"]["instance"], "host-1:9100");
        assert_eq!(series[0]["values"][2], json!([1_700_000_025, "15.467"]));
    }

    #[test]
    fn the_matrix_is_as_large_as_it_is_said_to_be() {
        let megabytes = matrix(10, POINTS).len() / 100_000;
        assert!((22..=28).contains(&megabytes), "{megabytes} MB");
    }

    #[test]
    fn every_guest_that_is_compared_has_a_case() {
        for guest in crate::bench::native::GUESTS {
            assert_eq!(Case::of(guest).unwrap().numbers, 1_000_000);
        }
        assert!(Case::of("odd").is_err());
    }
}
