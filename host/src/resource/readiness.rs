//! Could an alert rule evaluate these queries? They are run as a rule runs them, and their frames judged as Grafana would.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::datasource::Datasource;
use crate::egress::{Asker, Demand, Journal};
use crate::frame::Readiness;
use crate::limits::Limits;
use crate::model::{Caller, JsonObject, Query};
use crate::query::{Error, collect, elsewhere};

/// Queries as Grafana's own `/api/ds/query` takes them.
#[derive(Deserialize)]
pub(super) struct Asked<'a> {
    #[serde(borrow)]
    queries: Vec<&'a RawValue>,
    /// Milliseconds since the epoch.
    #[serde(deserialize_with = "milliseconds")]
    from: i64,
    /// Milliseconds since the epoch.
    #[serde(deserialize_with = "milliseconds")]
    to: i64,
}

/// Grafana's own members of a query, with its own defaults (contract section 2.4).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Own {
    #[serde(default = "first_ref_id")]
    ref_id: String,
    query_type: String,
    /// 0 for Grafana's own.
    interval_ms: u64,
    /// 0 for Grafana's own.
    max_data_points: u32,
}

fn first_ref_id() -> String {
    "A".to_owned()
}

/// The judgement of each query by its ref id.
#[derive(Serialize)]
pub(super) struct Judged {
    results: BTreeMap<String, Judgement>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Judgement {
    Frames(Readiness),
    /// The query has no frames to be judged.
    Error {
        ready: bool,
        reasons: Vec<String>,
    },
}

/// Runs and judges them.
pub(super) async fn judge(
    datasource: &Datasource,
    body: &[u8],
    caller: &Caller,
    limits: &Limits,
    deadline: Instant,
) -> Result<Judged, Error> {
    let queries = queries(body).map_err(Error::Invalid)?;
    let judged = queries.into_iter().map(async |query| {
        let judgement = match judge_one(datasource, &query, caller, limits, deadline).await {
            Ok(readiness) => Judgement::Frames(readiness),
            Err(error) => {
                let reason = error.redacted(&datasource.client).user_message();
                Judgement::Error { ready: false, reasons: vec![reason] }
            }
        };
        (query.ref_id, judgement)
    });
    let results = stream::iter(judged).buffer_unordered(limits.queries_in_flight).collect().await;
    Ok(Judged { results })
}

async fn judge_one(
    datasource: &Datasource,
    query: &Query,
    caller: &Caller,
    limits: &Limits,
    deadline: Instant,
) -> Result<Readiness, Error> {
    let (allowance, journal) = (datasource.allow(deadline), Journal::default());
    let asker = Asker { caller, allowance: &allowance, journal: &journal, demand: Demand::Any };
    let (frames, _never) = collect(datasource, query, limits, asker, true).await?;
    let judged = elsewhere(move || Ok(frames.complete()?.alert_readiness())).await?;
    judged.map_err(|error| Error::frame(datasource.guest.id(), error))
}

fn queries(body: &[u8]) -> Result<Vec<Query>, String> {
    let asked: Asked<'_> = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not as expected ({error})"))?;
    if asked.from > asked.to {
        return Err("its time range ends before it begins".to_owned());
    }
    let query = |(place, model): (usize, &RawValue)| {
        let wrong = |error| format!("query {place} is not as expected ({error})");
        serde_json::from_str::<JsonObject>(model.get()).map_err(wrong)?;
        let own: Own = serde_json::from_str(model.get()).map_err(wrong)?;
        Ok(Query {
            ref_id: own.ref_id,
            query_type: own.query_type,
            model: model.get().to_owned(),
            from: asked.from.saturating_mul(1_000_000),
            to: asked.to.saturating_mul(1_000_000),
            interval: match own.interval_ms {
                0 => Query::INTERVAL,
                milliseconds => Duration::from_millis(milliseconds),
            },
            max_data_points: match own.max_data_points {
                0 => Query::MAX_DATA_POINTS,
                points => points,
            },
            from_alert: true,
        })
    };
    asked.queries.iter().copied().enumerate().map(query).collect()
}

/// Grafana's front end sends milliseconds as text, others as a number.
fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Milliseconds {
        Number(i64),
        Text(String),
    }
    match Milliseconds::deserialize(deserializer)? {
        Milliseconds::Number(number) => Ok(number),
        Milliseconds::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_grafana_sends_them() {
        let body = br#"{"from":"1000","to":2000,"queries":[{"expr":"up"},
            {"refId":"B","queryType":"range","intervalMs":50,"maxDataPoints":7}]}"#;
        let read = queries(body).unwrap();
        assert_eq!((read[0].ref_id.as_str(), read[0].model.as_str()), ("A", r#"{"expr":"up"}"#));
        assert_eq!((read[1].from, read[1].to), (1_000_000_000, 2_000_000_000));
        assert_eq!((read[1].query_type.as_str(), read[1].max_data_points), ("range", 7));
        assert!(read.iter().all(|query| query.from_alert));
    }

    #[test]
    fn what_is_no_query_is_said() {
        for (body, part) in [
            (r#"{"from":"x","to":1,"queries":[]}"#, "the body is not as expected"),
            (r#"{"from":2,"to":1,"queries":[]}"#, "ends before it begins"),
            (r#"{"from":1,"to":1,"queries":[7]}"#, "query 0 is not as expected"),
        ] {
            let sentence = queries(body.as_bytes()).unwrap_err();
            assert!(sentence.contains(part), "{sentence}");
        }
    }
}
