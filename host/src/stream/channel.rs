//! What a channel of Grafana Live shows, by its path. Pure.
//!
//! All who look at a channel see the same, and whoever comes first says in its data which query that is. So the path holds a
//! digest of the query: nobody can make a channel show another query than those who look at it believe.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::limits::{LIVE_POINTS_MAX, LIVE_RANGE_MAX, Limits};
use crate::model::{JsonObject, Query};

/// What a path begins with; the interval, the range and the digest follow.
const PREFIX: &str = "live";

/// A query that is shown live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The path below the data source's channels.
    path: String,
    ref_id: String,
    query_type: String,
    /// The query's JSON object.
    model: String,
    /// The distance between two questions to the API.
    interval: Duration,
    /// How far back the first packet reaches.
    range: Duration,
}

/// Why there is no such channel. Reads as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unknown(String);

/// What Grafana's front end sends along.
#[derive(Deserialize)]
struct Data<'a> {
    /// The query as text, because its digest is that of these very bytes.
    #[serde(borrow)]
    query: std::borrow::Cow<'a, str>,
}

/// What Grafana itself has in each query.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Own<'a> {
    #[serde(borrow)]
    ref_id: Option<&'a RawValue>,
    #[serde(borrow)]
    query_type: Option<&'a RawValue>,
}

impl Channel {
    /// The channel `live/<interval>/<range>/<digest>`, both in milliseconds, the digest the SHA-256 of the query's text, of
    /// which `data` is `{"query": "<text>"}`. An interval below what the admin allows is raised to that.
    pub fn of(path: &str, data: &[u8], limits: &Limits) -> Result<Self, Unknown> {
        let unknown = |reason: &str| Unknown(format!("There is no such channel: {reason}."));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let [PREFIX, interval, range, digest] = parts.as_slice() else {
            return Err(unknown("its path is not live/<interval>/<range>/<digest of the query>"));
        };
        let milliseconds = |text: &str| match text.parse() {
            Ok(0) | Err(_) => Err(unknown("its interval or range is no number of milliseconds")),
            Ok(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        };
        let interval = milliseconds(interval)?.clamp(limits.live_interval_min, LIVE_RANGE_MAX);
        let range = milliseconds(range)?.clamp(interval, LIVE_RANGE_MAX);
        let data: Data<'_> = serde_json::from_slice(data)
            .map_err(|_other| unknown("its data is not a JSON object with the query as text"))?;
        if !hex(&Sha256::digest(data.query.as_bytes())).eq_ignore_ascii_case(digest) {
            return Err(unknown("the digest in its path is not that of its query"));
        }
        if serde_json::from_str::<JsonObject>(&data.query).is_err() {
            return Err(unknown("its query is not a JSON object"));
        }
        let own: Own<'_> = serde_json::from_str(&data.query).unwrap_or_default();
        let text = |value: Option<&RawValue>| {
            value.and_then(|value| serde_json::from_str(value.get()).ok()).unwrap_or_default()
        };
        Ok(Self {
            path: path.to_owned(),
            ref_id: text(own.ref_id),
            query_type: text(own.query_type),
            model: data.query.into_owned(),
            interval,
            range,
        })
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name of the query within its panel.
    pub fn ref_id(&self) -> &str {
        &self.ref_id
    }

    /// The distance between two questions to the API.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The query as of `now`, nanoseconds since the epoch.
    pub fn query(&self, now: i64) -> Query {
        let range = i64::try_from(self.range.as_nanos()).unwrap_or(i64::MAX);
        let points = self.range.as_millis() / self.interval.as_millis().max(1);
        let points = u32::try_from(points).unwrap_or(u32::MAX).clamp(1, LIVE_POINTS_MAX);
        Query {
            ref_id: self.ref_id.clone(),
            query_type: self.query_type.clone(),
            model: self.model.clone(),
            from: now.saturating_sub(range),
            to: now,
            interval: self.interval,
            max_data_points: points,
            from_alert: false,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = r#"{"refId":"B","queryType":"range","table":"a<b>"}"#;

    fn data(query: &str) -> Vec<u8> {
        serde_json::json!({ "query": query }).to_string().into_bytes()
    }

    fn path(interval: &str, range: &str, query: &str) -> String {
        format!("live/{interval}/{range}/{}", hex(&Sha256::digest(query)))
    }

    #[test]
    fn a_channel_is_known_by_the_digest_of_its_query() {
        let limits = Limits::default();
        let path = path("5000", "60000", QUERY);
        let channel = Channel::of(&path, &data(QUERY), &limits).unwrap();
        assert_eq!((channel.ref_id(), channel.path()), ("B", path.as_str()));
        let query = channel.query(100_000_000_000);
        assert_eq!((query.from, query.to), (40_000_000_000, 100_000_000_000));
        assert_eq!((query.query_type.as_str(), query.max_data_points), ("range", 12));
        assert_eq!((query.model.as_str(), query.interval), (QUERY, Duration::from_secs(5)));

        // The same text, escaped as Go does it.
        let escaped = String::from_utf8(data(QUERY)).unwrap().replace('<', "\\u003c");
        assert_eq!(Channel::of(&path, escaped.as_bytes(), &limits), Ok(channel));
    }

    #[test]
    fn what_the_path_does_not_say_of_the_query_is_no_channel() {
        let of = |path: &str, data: &[u8]| {
            Channel::of(path, data, &Limits::default()).map(|_channel| ()).map_err(|why| why.0)
        };
        let sentence = |reason: &str| Err(format!("There is no such channel: {reason}."));
        let own = path("5000", "60000", QUERY);
        let other = sentence("the digest in its path is not that of its query");
        assert_eq!(of(&own, &data("{}")), other);
        assert_eq!(
            of(&own, b"{}"),
            sentence("its data is not a JSON object with the query as text")
        );
        assert_eq!(of(&own, b""), sentence("its data is not a JSON object with the query as text"));
        let shape = "its path is not live/<interval>/<range>/<digest of the query>";
        assert_eq!(of("metrics", &data(QUERY)), sentence(shape));
        let zero = own.replace("5000", "0");
        assert_eq!(
            of(&zero, &data(QUERY)),
            sentence("its interval or range is no number of milliseconds")
        );
        let list = path("1", "1", "[]");
        assert_eq!(of(&list, &data("[]")), sentence("its query is not a JSON object"));
    }

    #[test]
    fn an_admin_says_how_often_at_most_an_api_is_asked() {
        let limits = Limits { live_interval_min: Duration::from_secs(3), ..Limits::default() };
        let channel = Channel::of(&path("1", "1", QUERY), &data(QUERY), &limits).unwrap();
        assert_eq!(channel.interval(), Duration::from_secs(3));
        assert_eq!(channel.query(0).max_data_points, 1);
        let long = Channel::of(&path("9999999999999", "9", QUERY), &data(QUERY), &limits).unwrap();
        assert_eq!(long.interval(), LIVE_RANGE_MAX);
    }
}
