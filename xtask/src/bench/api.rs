//! The APIs that are asked: their bodies, of as many rows as one likes, and the answers that must come of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use arrow::array::AsArray as _;
use arrow::datatypes::{Float64Type, TimestampNanosecondType};
use bytes::Bytes;
use graft_launch::frames::{Frame, decode_all};
use graft_launch::{Datasource, Query};
use graft_proto::pluginv2::{DataResponse, QueryDataRequest, QueryDataResponse};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::server;

/// When the first row is, in seconds since the epoch.
const FIRST_SECONDS: u32 = 1_700_000_000;

/// An API that somebody has a data source for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Api {
    /// Series of numbers, one of them the time: the one that guest `things` and the peers speak.
    Things,
    /// Rows of a time, a number and a word: the one that the guests in JavaScript and Python speak.
    Sensors,
}

impl Api {
    /// Serves bodies of so many rows each, after a wait, and says where.
    pub(crate) async fn serve(rows: &[usize], wait: Duration) -> anyhow::Result<SocketAddr> {
        let mut bodies = HashMap::new();
        for api in [Self::Things, Self::Sensors] {
            for &rows in rows {
                bodies.insert((api.name(), rows.to_string()), Bytes::from(api.body(rows)));
            }
        }
        server::serve_after(wait, move |path, _query| {
            let mut parts = path.split('/').skip(1);
            let api = [Self::Things, Self::Sensors]
                .into_iter()
                .find(|api| parts.clone().next() == Some(api.name()));
            let rows = parts.nth(1).unwrap_or_default().to_owned();
            match api.and_then(|api| bodies.get(&(api.name(), rows))) {
                Some(body) => (StatusCode::OK, body.clone()),
                None => (StatusCode::NOT_FOUND, Bytes::from_static(b"{}")),
            }
        })
        .await
    }

    /// A data source of its own for bodies of so many rows.
    pub(crate) fn datasource(
        self,
        uid: &str,
        guest: &str,
        address: SocketAddr,
        rows: usize,
    ) -> Datasource {
        let url = format!("http://{address}{}", self.path(rows));
        Datasource::new(uid, &url).settings(json!({ "guest": guest, "thing": "x" }))
    }

    /// Where the body of so many rows is.
    pub(crate) fn path(self, rows: usize) -> String {
        format!("/{}/{rows}", self.name())
    }

    /// One query, as a panel sends it: the same message to everyone who speaks the API.
    pub(crate) fn request(self, datasource: &Datasource) -> QueryDataRequest {
        datasource.query_data([Query::new("A", self.query())])
    }

    /// What a user entered.
    pub(crate) fn query(self) -> Value {
        match self {
            Self::Things => json!({ "table": "day", "fields": ["_avg"] }),
            Self::Sensors => json!({ "sensor": "hall" }),
        }
    }

    /// What the API answers. Values have as many digits as measured ones, and one in a thousand is missing.
    pub(crate) fn body(self, rows: usize) -> String {
        let list = |row: &dyn Fn(usize) -> String| {
            let mut list = String::with_capacity(rows * 12);
            for number in 0..rows {
                let separator = if number == 0 { "" } else { "," };
                let _infallible = write!(list, "{separator}{}", row(number));
            }
            list
        };
        let text = |row: usize| match value(row) {
            Some(value) => format!("{value:.3}"),
            None => "null".to_owned(),
        };
        match self {
            Self::Things => format!(
                r#"[{{"name":"_time","values":[{}]}},{{"name":"_avg","values":[{}],"meta":{{"group_txt":"Boiler","txt":"Flow"}}}}]"#,
                list(&|row| seconds(row).to_string()),
                list(&text),
            ),
            Self::Sensors => format!(
                "[{}]",
                list(&|row| format!(
                    r#"{{"time":{},"value":{},"state":"ok"}}"#,
                    seconds(row),
                    text(row)
                )),
            ),
        }
    }

    /// Fails unless the answer to the only query is right: see [`Self::check_answer`].
    pub(crate) fn check(self, response: &QueryDataResponse, rows: usize) -> anyhow::Result<()> {
        self.check_answer(succeeded(response)?, rows)
    }

    /// Fails unless the answer is a frame with exactly the times and values that the API gave.
    pub(crate) fn check_answer(self, answer: &DataResponse, rows: usize) -> anyhow::Result<()> {
        let frames = decode_all(&answer.frames)?;
        let [frame] = frames.as_slice() else { bail!("it has {} frames", frames.len()) };
        let names = match self {
            Self::Things => ["_time", "_avg"].as_slice(),
            Self::Sensors => ["time", "value", "state"].as_slice(),
        };
        let schema = frame.schema();
        let found: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        ensure!(found == names, "its fields are {found:?} instead of {names:?}");
        ensure!(frame.batch.num_rows() == rows, "it has {} rows", frame.batch.num_rows());
        check_values(frame)?;
        if self == Self::Things {
            let config = schema.field(1).metadata().get("config");
            let config: Value = serde_json::from_str(config.context("'_avg' has no config")?)?;
            let expected = json!({ "displayNameFromDS": "Boiler: Flow" });
            ensure!(config == expected, "the config of '_avg' is {config}");
        }
        Ok(())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Things => "things",
            Self::Sensors => "sensors",
        }
    }
}

/// The answer to a request's only query, if it is no error.
pub(crate) fn succeeded(response: &QueryDataResponse) -> anyhow::Result<&DataResponse> {
    let answer = response.responses.get("A").context("the query was left out")?;
    ensure!(answer.error.is_empty(), "the query failed: {}", answer.error);
    Ok(answer)
}

fn check_values(frame: &Frame) -> anyhow::Result<()> {
    let columns = frame.batch.columns();
    let times = columns[0].as_primitive_opt::<TimestampNanosecondType>();
    let times = times.context("its first field is no time")?;
    let values = columns[1].as_primitive_opt::<Float64Type>();
    let values = values.context("its second field is no float64")?;
    for (row, (at, number)) in times.iter().zip(values.iter()).enumerate() {
        let expected = (Some(i64::from(seconds(row)) * 1_000_000_000), value(row));
        ensure!((at, number) == expected, "row {row} is {at:?}, {number:?}, not {expected:?}");
    }
    Ok(())
}

/// When a row is. There are less than two thousand million rows.
fn seconds(row: usize) -> u32 {
    FIRST_SECONDS.saturating_add(u32::try_from(row).unwrap_or(u32::MAX))
}

fn value(row: usize) -> Option<f64> {
    // A quotient is rounded as its text is read: to the nearest double.
    (row % 1_000 != 999).then(|| (row * 7_919 % 100_000) as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_the_json_of_their_apis() {
        let things: Value = serde_json::from_str(&Api::Things.body(1_000)).unwrap();
        assert_eq!(things[0]["values"][2], 1_700_000_002);
        assert_eq!(things[1]["values"].as_array().unwrap().len(), 1_000);
        assert_eq!(
            (&things[1]["values"][2], &things[1]["values"][999]),
            (&json!(15.838), &json!(null))
        );
        let sensors: Value = serde_json::from_str(&Api::Sensors.body(3)).unwrap();
        assert_eq!(sensors[2], json!({ "time": 1_700_000_002, "value": 15.838, "state": "ok" }));
    }

    #[test]
    fn a_large_body_is_no_larger_than_responses_may_be() {
        let megabytes = Api::Things.body(100_000).len() / 100_000;
        assert!((15..=20).contains(&megabytes), "{megabytes} MB");
    }

    #[test]
    fn an_answer_that_failed_is_no_answer() {
        let failed = DataResponse { error: "because".to_owned(), ..DataResponse::default() };
        let response = QueryDataResponse { responses: [("A".to_owned(), failed)].into() };
        assert_eq!(succeeded(&response).unwrap_err().to_string(), "the query failed: because");
        let nothing = QueryDataResponse::default();
        assert_eq!(succeeded(&nothing).unwrap_err().to_string(), "the query was left out");
    }
}
