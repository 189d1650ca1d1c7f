//! What a guest is asked: the query and the data source, with their JSON read into the guest's own
//! types.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bindings::exports::graft::datasource::query as contract;
use crate::bindings::graft::datasource::context;
use crate::refusal::explain_without_place;
use crate::{Outcome, Refusal, TimeRange};

/// One query of a panel or an alert rule. `M` is the guest's own shape of the query's JSON.
#[derive(Clone, Debug)]
pub struct Query<M> {
    /// Names the query within its panel, such as `A`.
    pub ref_id: String,
    /// Grafana's `queryType`; empty if the editor sets none.
    pub query_type: String,
    /// The query as the editor saved it.
    pub model: M,
    /// The time range, nanoseconds since the epoch.
    pub time_range: TimeRange,
    /// The distance between points that Grafana suggests; above zero.
    pub interval: Duration,
    /// How many points the panel can show; above zero.
    pub max_data_points: u32,
    /// Whether an alert rule asks.
    pub from_alert: bool,
}

impl<M: DeserializeOwned> Query<M> {
    /// Reads the query's JSON.
    pub(crate) fn read(query: contract::Query) -> Result<Self, Refusal> {
        let model = read_json(&query.model)
            .map_err(|problem| Refusal::BadQuery(format!("The query does not fit: {problem}.")))?;
        Ok(Self {
            ref_id: query.ref_id,
            query_type: query.query_type,
            model,
            time_range: query.time_range,
            interval: Duration::from_nanos(query.interval),
            max_data_points: query.max_data_points,
            from_alert: query.from_alert,
        })
    }
}

/// One configured data source, without its secrets. `S` is the guest's own shape of `jsonData`.
#[derive(Clone, Debug)]
pub struct Configured<S> {
    /// Grafana's unique id of the data source.
    pub uid: String,
    /// The name the admin gave it.
    pub name: String,
    /// The base URL without user name and password; empty if none is set.
    pub url: String,
    /// The data source's `jsonData`.
    pub settings: S,
    /// The names of the secrets that are set, for `{{secret:name}}`.
    pub secrets: Vec<String>,
}

impl<S: DeserializeOwned> Configured<S> {
    /// Reads the data source's JSON.
    pub(crate) fn read(datasource: context::Datasource) -> Result<Self, Refusal> {
        let settings = read_json(&datasource.settings).map_err(|problem| {
            let name = &datasource.name;
            Refusal::BadSettings(format!(
                "The settings of the data source '{name}' do not fit: {problem}. \
                 An admin can mend them."
            ))
        })?;
        Ok(Self {
            uid: datasource.uid,
            name: datasource.name,
            url: datasource.url,
            settings,
            secrets: datasource.secrets,
        })
    }
}

/// For guests that read no settings of their own.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct NoSettings {}

/// Reads what Grafana stores. The user never sees that text as a whole.
fn read_json<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| explain_without_place(&error))
}

impl Outcome {
    /// Asks for another round after these frames.
    #[must_use]
    pub fn then(mut self, next: impl Into<crate::Fetch>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Asks for another round after these frames, if there is one; [`rounds`](crate::rounds) finds
    /// that out.
    #[must_use]
    pub fn then_maybe(mut self, next: Option<crate::Fetch>) -> Self {
        self.next = next;
        self
    }
}

impl From<crate::Fetch> for Outcome {
    /// Another round, and nothing to show yet.
    fn from(next: crate::Fetch) -> Self {
        Self { frames: Vec::new(), next: Some(next) }
    }
}

impl From<Vec<crate::Frame>> for Outcome {
    fn from(frames: Vec<crate::Frame>) -> Self {
        Self { frames, next: None }
    }
}

impl From<crate::Frame> for Outcome {
    fn from(frame: crate::Frame) -> Self {
        vec![frame].into()
    }
}
