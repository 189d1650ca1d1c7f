//! Requests as Grafana sends them: contract section 2.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use graft_proto::pluginv2::{
    CallResourceRequest, CheckHealthRequest, DataFrameFormat, DataQuery,
    DataSourceInstanceSettings, PluginContext, QueryDataRequest, TimeRange, User,
};
use serde_json::{Map, Value, json};

use crate::launch::GRAFANA_VERSION;

/// The plugin's id in Grafana.
const PLUGIN_ID: &str = "graft-datasource";

/// A configured data source, with a signed-in user who asks it.
#[derive(Clone, Debug, PartialEq)]
pub struct Datasource {
    /// What goes with each call, so that a test can change what has no function here.
    pub context: PluginContext,
}

impl Datasource {
    /// A data source of organisation 1 without settings, saved at 2023-11-14T22:13:20Z.
    pub fn new(uid: &str, url: &str) -> Self {
        let settings = DataSourceInstanceSettings {
            id: id(uid),
            name: uid.to_owned(),
            url: url.to_owned(),
            json_data: "{}".into(),
            last_updated_ms: 1_700_000_000_000,
            uid: uid.to_owned(),
            ..DataSourceInstanceSettings::default()
        };
        let text = str::to_owned;
        let context = PluginContext {
            org_id: 1,
            plugin_id: text(PLUGIN_ID),
            user: Some(User {
                login: text("admin"),
                name: text("Admin"),
                email: text("admin@localhost"),
                role: text("Admin"),
            }),
            data_source_instance_settings: Some(settings),
            plugin_version: text(env!("CARGO_PKG_VERSION")),
            user_agent: format!("Grafana/{GRAFANA_VERSION} (linux; amd64)"),
            namespace: text("default"),
            ..PluginContext::default()
        };
        Self { context }
    }

    /// Its `jsonData`.
    pub fn settings(self, settings: impl Into<Value>) -> Self {
        let settings = settings.into().to_string();
        self.with(|own| own.json_data = settings.into())
    }

    /// One of its `secureJsonData`.
    pub fn secret(self, name: &str, value: &str) -> Self {
        self.with(|own| {
            own.decrypted_secure_json_data.insert(name.to_owned(), value.to_owned());
        })
    }

    /// Basic authentication.
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        let own = self.with(|own| {
            own.basic_auth_enabled = true;
            own.basic_auth_user = user.to_owned();
        });
        own.secret("basicAuthPassword", password)
    }

    /// When it was last saved, in milliseconds since the epoch.
    pub fn updated(self, milliseconds: i64) -> Self {
        self.with(|own| own.last_updated_ms = milliseconds)
    }

    /// Queries in one request that wants Arrow.
    pub fn query_data(&self, queries: impl IntoIterator<Item = Query>) -> QueryDataRequest {
        let uid = self.context.data_source_instance_settings.as_ref().map(|own| own.uid.as_str());
        let queries = queries.into_iter().map(|query| query.into_message(uid.unwrap_or_default()));
        QueryDataRequest {
            plugin_context: Some(self.context.clone()),
            queries: queries.collect(),
            format: DataFrameFormat::Arrow.into(),
            ..QueryDataRequest::default()
        }
    }

    /// "Save & test".
    pub fn check_health(&self) -> CheckHealthRequest {
        CheckHealthRequest {
            plugin_context: Some(self.context.clone()),
            ..CheckHealthRequest::default()
        }
    }

    /// An editor's question. `path` may end with a query, as in `cities?prefix=B`.
    pub fn call_resource(&self, method: &str, path: &str) -> CallResourceRequest {
        CallResourceRequest {
            plugin_context: Some(self.context.clone()),
            path: path.split('?').next().unwrap_or_default().to_owned(),
            method: method.to_owned(),
            url: path.to_owned(),
            ..CallResourceRequest::default()
        }
    }

    fn with(mut self, change: impl FnOnce(&mut DataSourceInstanceSettings)) -> Self {
        change(self.context.data_source_instance_settings.get_or_insert_default());
        self
    }
}

/// A number of its own for each uid, as in Grafana's database: the Go SDK tells data sources apart by it.
fn id(uid: &str) -> i64 {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    i64::from(hasher.finish() as u32)
}

/// A panel's query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    ref_id: String,
    model: Map<String, Value>,
    range: TimeRange,
    interval: i64,
    points: i64,
    query_type: String,
}

impl Query {
    /// What a user entered, a JSON object, over the hour from 2023-11-14T22:13:20Z, of at most 1,000 points, one each 15 s.
    pub fn new(ref_id: &str, model: Value) -> Self {
        let model = match model {
            Value::Object(model) => model,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self {
            ref_id: ref_id.to_owned(),
            model,
            range: TimeRange { from_epoch_ms: 1_700_000_000_000, to_epoch_ms: 1_700_003_600_000 },
            interval: 15_000,
            points: 1_000,
            query_type: String::new(),
        }
    }

    /// The panel's time range, in milliseconds since the epoch.
    pub fn range(mut self, from: i64, to: i64) -> Self {
        self.range = TimeRange { from_epoch_ms: from, to_epoch_ms: to };
        self
    }

    /// The distance of points that fits the panel, in milliseconds.
    pub fn interval(mut self, milliseconds: i64) -> Self {
        self.interval = milliseconds;
        self
    }

    /// How many points fit into the panel.
    pub fn points(mut self, most: i64) -> Self {
        self.points = most;
        self
    }

    /// The query's type, where the editor has several.
    pub fn query_type(mut self, name: &str) -> Self {
        name.clone_into(&mut self.query_type);
        self
    }

    /// Grafana sends the whole object as the front end made it, which repeats what the message says elsewhere.
    fn into_message(self, uid: &str) -> DataQuery {
        let mut json = self.model;
        json.insert("refId".to_owned(), json!(self.ref_id));
        json.insert("datasource".to_owned(), json!({ "type": PLUGIN_ID, "uid": uid }));
        json.insert("intervalMs".to_owned(), json!(self.interval));
        json.insert("maxDataPoints".to_owned(), json!(self.points));
        if !self.query_type.is_empty() {
            json.insert("queryType".to_owned(), json!(self.query_type));
        }
        DataQuery {
            ref_id: self.ref_id,
            max_data_points: self.points,
            interval_ms: self.interval,
            time_range: Some(self.range),
            json: Value::Object(json).to_string().into(),
            query_type: self.query_type,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_repeats_in_its_json_what_grafana_repeats() {
        let things = Datasource::new("u", "http://api");
        let query = Query::new("B", json!({"table": "t"})).range(1, 2).interval(3).points(4);
        let request = things.query_data([query.query_type("x")]);
        let [query] = request.queries.as_slice() else { panic!("{request:?}") };
        let range = TimeRange { from_epoch_ms: 1, to_epoch_ms: 2 };
        assert_eq!((query.ref_id.as_str(), query.time_range), ("B", Some(range)));
        assert_eq!((query.interval_ms, query.max_data_points), (3, 4));
        let json: Value = serde_json::from_slice(&query.json).unwrap();
        let datasource = json!({"type": "graft-datasource", "uid": "u"});
        let expected = json!({
            "table": "t", "refId": "B", "intervalMs": 3, "maxDataPoints": 4, "queryType": "x",
            "datasource": datasource,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn settings_and_secrets_go_where_grafana_puts_them() {
        let things = Datasource::new("u", "http://api")
            .settings(json!({"guest": "things"}))
            .basic_auth("me", "pass")
            .updated(7);
        let own = things.check_health().plugin_context.unwrap();
        let own = own.data_source_instance_settings.unwrap();
        assert_eq!(own.json_data, r#"{"guest":"things"}"#);
        assert_eq!(own.decrypted_secure_json_data["basicAuthPassword"], "pass");
        assert!(own.basic_auth_enabled);
        assert_eq!((own.basic_auth_user.as_str(), own.last_updated_ms), ("me", 7));
    }

    #[test]
    fn a_resource_calls_path_is_its_url_without_the_query() {
        let call = Datasource::new("u", "").call_resource("GET", "cities?prefix=B");
        assert_eq!((call.path.as_str(), call.url.as_str()), ("cities", "cities?prefix=B"));
    }
}
