//! What Grafana asks, as nouns of the host. Pure; a missing field is an error that names it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use graft_proto::pluginv2::{
    CallResourceRequest, DataFrameFormat, DataQuery, PluginContext, QueryDataRequest, TimeRange,
};
use tonic::Status;
use tonic::metadata::MetadataMap;
use url::form_urlencoded;

use crate::datasource::RawSettings;
use crate::model::{Format, JsonObject, Query, ResourceRequest, Secret};
use crate::query::{Answer, Error};

/// What Grafana means where a query has no number of points (contract section 2.4).
const MAX_DATA_POINTS: u32 = 100;
/// What Grafana means where a query has no interval (contract section 2.4).
const INTERVAL: Duration = Duration::from_secs(1);
/// The header by which Grafana says that an alert rule asks, exactly so (contract section 4.3).
const FROM_ALERT: &str = "FromAlert";

/// A `QueryData` request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) settings: RawSettings,
    /// Each by itself: one that is not valid spoils no other.
    pub(super) queries: Vec<(String, Result<Query, Error>)>,
    pub(super) format: Format,
}

/// Reads a `QueryData` request.
pub(super) fn queries(request: QueryDataRequest) -> Result<Asked, Status> {
    let format = match DataFrameFormat::try_from(request.format) {
        Ok(DataFrameFormat::Arrow) => Format::Arrow,
        Ok(DataFrameFormat::Json) => Format::Json,
        Err(unknown) => {
            let problem =
                format!("QueryDataRequest.format is {unknown}, which this plugin does not know");
            return Err(Status::invalid_argument(problem));
        }
    };
    let from_alert = request.headers.get(FROM_ALERT).is_some_and(|value| value == "true");
    let queries = request.queries.into_iter().map(|asked| {
        let ref_id = asked.ref_id.clone();
        (ref_id, query(asked, from_alert).map_err(Error::Invalid))
    });
    let queries = queries.collect();
    Ok(Asked { settings: settings(request.plugin_context)?, queries, format })
}

/// Tells the queries that can be run from the answers to those that cannot.
pub(super) fn split(queries: Vec<(String, Result<Query, Error>)>) -> (Vec<Query>, Vec<Answer>) {
    let (mut runnable, mut answers) = (Vec::new(), Vec::new());
    for (ref_id, query) in queries {
        match query {
            Ok(query) => runnable.push(query),
            Err(error) => answers.push((ref_id, Err(error))),
        }
    }
    (runnable, answers)
}

/// A `CallResource` request, and the data source that it is for, if any.
pub(super) fn resource(request: CallResourceRequest) -> (Option<RawSettings>, ResourceRequest) {
    let query = request.url.split_once('?').map_or("", |(_path, query)| query);
    let parameters = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let headers = request.headers.into_iter().flat_map(|(name, values)| {
        let name = name.to_ascii_lowercase();
        let is_passed = is_about_content(&name);
        let values = values.values.into_iter().filter(move |_value| is_passed);
        values.map(move |value| (name.clone(), value)).collect::<Vec<_>>()
    });
    let mut headers: Vec<_> = headers.collect();
    // A guest is a pure function, so that it must not depend on the order of a hash map.
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    let resource = ResourceRequest {
        method: request.method.to_ascii_uppercase(),
        path: request.path.trim_start_matches('/').to_owned(),
        parameters,
        headers,
        body: request.body.into(),
    };
    (settings(request.plugin_context).ok(), resource)
}

/// Whether a header field is about the content, so that it cannot hold a credential: any other might, such as the one that an
/// authenticating proxy before Grafana adds.
fn is_about_content(name: &str) -> bool {
    const NAMES: [&str; 5] =
        ["accept", "accept-language", "content-type", "content-language", "range"];
    NAMES.contains(&name) || name.starts_with("if-")
}

/// Reads a datasource's settings out of the context that every request carries.
pub(super) fn settings(context: Option<PluginContext>) -> Result<RawSettings, Status> {
    let context = context.ok_or_else(|| missing("pluginContext"))?;
    let settings = context.data_source_instance_settings;
    let settings = settings.ok_or_else(|| missing("pluginContext.dataSourceInstanceSettings"))?;
    let secrets = settings.decrypted_secure_json_data.into_iter();
    let secrets = secrets.map(|(name, value)| (name, Secret::new(value)));
    Ok(RawSettings {
        uid: settings.uid,
        org_id: context.org_id,
        name: settings.name,
        url: settings.url,
        user: settings.user,
        database: settings.database,
        basic_auth_enabled: settings.basic_auth_enabled,
        basic_auth_user: settings.basic_auth_user,
        json_data: settings.json_data,
        secure_json_data: secrets.collect::<HashMap<_, _>>(),
        updated_ms: settings.last_updated_ms,
        user_agent: context.user_agent,
        plugin_version: context.plugin_version,
    })
}

fn missing(field: &str) -> Status {
    Status::invalid_argument(format!("the request has no {field}, by which a data source is known"))
}

fn query(asked: DataQuery, from_alert: bool) -> Result<Query, String> {
    let TimeRange { from_epoch_ms, to_epoch_ms } =
        asked.time_range.ok_or("it has no time range (timeRange)")?;
    if from_epoch_ms > to_epoch_ms {
        return Err(format!(
            "its time range ends before it begins (from {from_epoch_ms} ms to {to_epoch_ms} ms)"
        ));
    }
    let interval = u64::try_from(asked.interval_ms).ok().filter(|interval| *interval > 0);
    let points = u32::try_from(asked.max_data_points).ok().filter(|points| *points > 0);
    let points = if asked.max_data_points > i64::from(u32::MAX) { Some(u32::MAX) } else { points };
    Ok(Query {
        ref_id: asked.ref_id,
        query_type: asked.query_type,
        model: model(&asked.json)?,
        from: nanoseconds(from_epoch_ms),
        to: nanoseconds(to_epoch_ms),
        interval: interval.map_or(INTERVAL, Duration::from_millis),
        max_data_points: points.unwrap_or(MAX_DATA_POINTS),
        from_alert,
    })
}

/// The query as the editor saved it: one JSON object.
fn model(json: &Bytes) -> Result<String, String> {
    if json.is_empty() {
        return Ok("{}".to_owned());
    }
    let not_an_object = |problem: String| format!("it is not a JSON object ({problem})");
    let text = std::str::from_utf8(json).map_err(|error| not_an_object(error.to_string()))?;
    let object = serde_json::from_str::<JsonObject>(text);
    object.map_err(|error| not_an_object(error.to_string()))?;
    Ok(text.to_owned())
}

fn nanoseconds(milliseconds: i64) -> i64 {
    milliseconds.saturating_mul(1_000_000)
}

/// How long the caller waits, if it says so: gRPC's `grpc-timeout`, up to eight digits and a unit ("gRPC over HTTP2",
/// section "Requests").
pub(super) fn granted_time(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u32 = digits.parse().ok()?;
    let unit = match unit {
        "H" => Duration::from_secs(3_600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    unit.checked_mul(count)
}
