//! What Grafana asks, as nouns of the host. Pure; a missing field is an error that names it.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use graft_proto::pluginv2::admission_request::Operation;
use graft_proto::pluginv2::{
    AdmissionRequest, CallResourceRequest, DataFrameFormat, DataQuery, DataSourceInstanceSettings,
    GroupVersionKind, PluginContext, QueryDataRequest, RawObject, TimeRange,
};
use prost::Message as _;
use serde_json::value::RawValue;
use tonic::Status;
use tonic::metadata::MetadataMap;
use url::form_urlencoded;

use crate::datasource::{RawSettings, SocksProxy};
use crate::model::{Caller, Format, JsonObject, Query, ResourceRequest, Secret};
use crate::query::Error;

/// The header by which Grafana says that an alert rule asks, exactly so (contract section 4.3).
const FROM_ALERT: &str = "FromAlert";

/// What stands before the names of most of the headers that Grafana forwards (contract section 4.3).
const FORWARDED: &str = "http_";

/// Group and kind by which Grafana names a data source's settings (contract section 2.7).
const SETTINGS_KIND: (&str, &str) = ("grafana-plugin-sdk-go", "DataSourceInstanceSettings");

/// A `QueryData` request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) settings: RawSettings,
    /// Each by itself: one that is not valid spoils no other.
    pub(super) queries: Vec<(String, Result<Query, Error>)>,
    /// Who asks.
    pub(super) caller: Caller,
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
    let mut ref_ids = HashSet::new();
    if let Some(twice) = request.queries.iter().find(|query| !ref_ids.insert(&query.ref_id)) {
        let problem =
            format!("two queries have the refId '{}', by which answers are known", twice.ref_id);
        return Err(Status::invalid_argument(problem));
    }
    let caller = caller(request.headers);
    let from_alert = caller.is_from_alert();
    let queries = request.queries.into_iter().map(|asked| {
        let ref_id = asked.ref_id.clone();
        (ref_id, query(asked, from_alert).map_err(Error::Invalid))
    });
    let queries = queries.collect();
    Ok(Asked { settings: settings(request.plugin_context)?, queries, caller, format })
}

/// Tells the queries that can be run from those that cannot, and why.
pub(super) fn split(
    queries: Vec<(String, Result<Query, Error>)>,
) -> (Vec<Query>, Vec<(String, Error)>) {
    let (mut runnable, mut refused) = (Vec::new(), Vec::new());
    for (ref_id, query) in queries {
        match query {
            Ok(query) => runnable.push(query),
            Err(error) => refused.push((ref_id, error)),
        }
    }
    (runnable, refused)
}

/// Who asks, by the headers that Grafana adds: some as they are, most behind [`FORWARDED`] (contract section 4.3).
pub(super) fn caller(headers: HashMap<String, String>) -> Caller {
    let from_alert = headers.get(FROM_ALERT).is_some_and(|value| value == "true");
    let plain = |name: String| match name.strip_prefix(FORWARDED) {
        Some(forwarded) => forwarded.to_owned(),
        None => name,
    };
    Caller::new(headers.into_iter().map(|(name, value)| (plain(name), value)), from_alert)
}

/// A `CallResource` request, the data source that it is for, if any, and who asks. There the headers are those of the browser, from which
/// Grafana has removed what is not to be forwarded.
pub(super) fn resource(
    request: CallResourceRequest,
) -> (Option<RawSettings>, Caller, ResourceRequest) {
    let query = request.url.split_once('?').map_or("", |(_path, query)| query);
    let parameters = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let all = request.headers.iter().flat_map(|(name, values)| {
        values.values.iter().map(move |value| (name.clone(), value.clone()))
    });
    let caller = Caller::new(all, false);
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
    (settings(request.plugin_context).ok(), caller, resource)
}

/// Whether a header field is about the content, so that it cannot hold a credential: any other might, such as the one that an
/// authenticating proxy before Grafana adds.
fn is_about_content(name: &str) -> bool {
    const NAMES: [&str; 5] =
        ["accept", "accept-language", "content-type", "content-language", "range"];
    NAMES.contains(&name) || name.starts_with("if-")
}

/// Settings that are to be saved, and those that they replace.
pub(super) struct Admission {
    pub(super) settings: RawSettings,
    pub(super) before: Option<RawSettings>,
}

/// Reads an admission request; none if there is nothing to object to, because the data source is to be deleted.
pub(super) fn admission(request: AdmissionRequest) -> Result<Option<Admission>, Status> {
    let GroupVersionKind { group, kind, .. } = request.kind.unwrap_or_default();
    if (group.as_str(), kind.as_str()) != SETTINGS_KIND {
        let problem = format!(
            "this plugin admits {} of group {}, and the request is about '{kind}' of group '{group}'",
            SETTINGS_KIND.1, SETTINGS_KIND.0
        );
        return Err(Status::invalid_argument(problem));
    }
    if request.operation == i32::from(Operation::Delete) {
        return Ok(None);
    }
    let context = request.plugin_context.unwrap_or_default();
    let read = |bytes: &Bytes, field: &str| {
        let settings =
            DataSourceInstanceSettings::decode(bytes.as_ref()).map_err(|_unreadable| {
                Status::invalid_argument(format!("{field} is no DataSourceInstanceSettings"))
            })?;
        Ok::<_, Status>(raw_settings(&context, settings))
    };
    let settings = read(&request.object_bytes, "object_bytes")?;
    let before = match request.old_object_bytes.is_empty() {
        true => None,
        false => Some(read(&request.old_object_bytes, "old_object_bytes")?),
    };
    Ok(Some(Admission { settings, before }))
}

/// Reads the queries of a conversion. Each object is what Go's SDK makes of a request: JSON whose `Queries` have the query as
/// the editor saved it in `JSON` (contract section 2.7). Go reads names of members in any case.
pub(super) fn models(objects: &[RawObject]) -> Result<Vec<String>, String> {
    let mut models = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        if object.content_type != "application/json" {
            let kind: String = object.content_type.chars().take(100).collect();
            return Err(format!("object {number} is of type '{kind}' instead of application/json"));
        }
        let members: Members<'_> = serde_json::from_slice(&object.raw)
            .map_err(|error| format!("object {number} is not a JSON object ({error})"))?;
        let queries = member(&members, "queries");
        let queries = queries.and_then(|queries| serde_json::from_str(queries.get()).ok());
        let queries: Vec<&RawValue> =
            queries.ok_or_else(|| format!("object {number} has no list Queries"))?;
        for (place, query) in queries.into_iter().enumerate() {
            let whole = serde_json::from_str::<Members<'_>>(query.get()).unwrap_or_default();
            let model = member(&whole, "json").unwrap_or(query).get();
            if serde_json::from_str::<JsonObject>(model).is_err() {
                return Err(format!("query {place} of object {number} is not a JSON object"));
            }
            models.push(model.to_owned());
        }
    }
    Ok(models)
}

/// A JSON object, its values as they are written: what is not migrated must not change.
type Members<'a> = HashMap<Cow<'a, str>, &'a RawValue>;

fn member<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    let mut members = members.iter();
    members.find(|(own, _value)| own.eq_ignore_ascii_case(name)).map(|(_name, value)| *value)
}

/// Reads a datasource's settings out of the context that every request carries.
pub(super) fn settings(context: Option<PluginContext>) -> Result<RawSettings, Status> {
    let mut context = context.ok_or_else(|| missing("pluginContext"))?;
    let settings = context.data_source_instance_settings.take();
    let settings = settings.ok_or_else(|| missing("pluginContext.dataSourceInstanceSettings"))?;
    Ok(raw_settings(&context, settings))
}

fn raw_settings(context: &PluginContext, settings: DataSourceInstanceSettings) -> RawSettings {
    let secrets = settings.decrypted_secure_json_data.into_iter();
    let secrets = secrets.map(|(name, value)| (name, Secret::new(value)));
    RawSettings {
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
        user_agent: context.user_agent.clone(),
        plugin_version: context.plugin_version.clone(),
        response_limit: response_limit(context),
        socks_proxy: socks_proxy(context),
        only_tls_13: has_toggle(context, "pluginsForceTls13"),
    }
}

/// What Grafana configures for all its plugins: in the request, else in the environment (contract section 6.3).
fn configured(context: &PluginContext, key: &str, variable: &str) -> Option<String> {
    let config = context.grafana_config.get(key).cloned();
    config.or_else(|| std::env::var(variable).ok()).filter(|value| !value.is_empty())
}

/// The largest response of an API, bytes. Zero and less are no limit.
fn response_limit(context: &PluginContext) -> Option<usize> {
    let limit = configured(context, "GF_RESPONSE_LIMIT", "GF_DATAPROXY_RESPONSE_LIMIT")?;
    limit.trim().parse().ok().filter(|limit| *limit > 0)
}

/// The secure SOCKS proxy that Grafana's admin configured. Files are read only if their contents are not there (contract section 6.3).
fn socks_proxy(context: &PluginContext) -> SocksProxy {
    let of = |name: &str| {
        let key = format!("GF_SECURE_SOCKS_DATASOURCE_PROXY_{name}");
        configured(context, &key, &key)
    };
    if of("SERVER_ENABLED").is_none_or(|enabled| enabled != "true") {
        return SocksProxy::default();
    }
    let mut problem = None;
    let mut read = |path: &str| match std::fs::read_to_string(path) {
        Ok(text) => Some(Secret::new(text)),
        Err(error) => {
            problem = Some(format!("the file {path} cannot be read ({error})"));
            None
        }
    };
    let allow_insecure = of("ALLOW_INSECURE").is_some_and(|allow| allow == "true");
    let (mut certificate, mut key, mut authorities) = (None, None, Vec::new());
    if !allow_insecure {
        let mut text = |name: &str| match of(&format!("{name}_VAL")) {
            Some(text) => Some(Secret::new(text)),
            None => of(name).and_then(|path| read(path.trim())),
        };
        certificate = text("CLIENT_CERT");
        key = text("CLIENT_KEY");
        authorities = match of("ROOT_CA_CERT_VALS") {
            Some(texts) => {
                texts.split(',').map(|text| Secret::new(text.trim().to_owned())).collect()
            }
            None => {
                let paths = of("ROOT_CA_CERT").unwrap_or_default();
                paths.split_whitespace().filter_map(&mut read).collect()
            }
        };
    }
    SocksProxy {
        address: of("PROXY_ADDRESS").unwrap_or_default(),
        server_name: of("SERVER_NAME").unwrap_or_default(),
        authorities,
        certificate,
        key,
        allow_insecure,
        problem,
    }
}

/// Whether a feature of Grafana's is switched on.
fn has_toggle(context: &PluginContext, toggle: &str) -> bool {
    const TOGGLES: &str = "GF_INSTANCE_FEATURE_TOGGLES_ENABLE";
    let toggles = configured(context, TOGGLES, TOGGLES).unwrap_or_default();
    toggles.split(',').any(|on| on.trim() == toggle)
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
        interval: interval.map_or(Query::INTERVAL, Duration::from_millis),
        max_data_points: points.unwrap_or(Query::MAX_DATA_POINTS),
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
