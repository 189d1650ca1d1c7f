//! Plain nouns that the modules share: what Grafana asks, what a guest says, what an exchange is, what a frame holds.
//!
//! They mirror `wit/` name for name, so that neither `frame` nor `egress` needs to know how values come out of a
//! guest. No behaviour beyond what a noun can answer about itself; no crate but serde and bytes.
//!
//! Units: points in time are nanoseconds since the Unix epoch in UTC, sizes are bytes.

mod caller;
mod exchange;
mod http;
mod json_object;
mod secret;

use std::fmt;
use std::time::Duration;

pub use caller::Caller;
pub use exchange::{Exchange, Failure, Origin};
pub use http::{Body, Method, Request, Response, TransportFailure};
pub use json_object::JsonObject;
pub use secret::Secret;

/// The encoding that Grafana asks frames in (contract section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One Arrow IPC file for each frame.
    Arrow,
    /// One JSON document for each frame.
    Json,
}

/// One query of a panel or an alert rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Names the query within its request, such as `A`.
    pub ref_id: String,
    /// Grafana's `queryType`; empty if unset.
    pub query_type: String,
    /// The query's JSON object, as the editor saved it.
    pub model: String,
    /// First point in time, nanoseconds since the epoch.
    pub from: i64,
    /// Last point in time, nanoseconds since the epoch.
    pub to: i64,
    /// Suggested distance between points; above zero.
    pub interval: Duration,
    /// How many points the panel can show; above zero.
    pub max_data_points: u32,
    /// Whether an alert rule asks.
    pub from_alert: bool,
}

impl Query {
    /// What Grafana means where a query has no number of points (contract section 2.4).
    pub const MAX_DATA_POINTS: u32 = 100;
    /// What Grafana means where a query has no interval (contract section 2.4).
    pub const INTERVAL: Duration = Duration::from_secs(1);
}

/// One configured Grafana data source as a guest may see it: without its secrets.
#[derive(Clone, PartialEq)]
pub struct DatasourceView {
    /// Grafana's unique id.
    pub uid: String,
    /// The name the admin gave it.
    pub name: String,
    /// The base URL without user name and password; empty if none is set.
    pub url: String,
    /// `jsonData`, a JSON object.
    pub settings: String,
    /// The names of the secrets that are set.
    pub secrets: Vec<String>,
}

/// Without settings and URL: admins put secrets there, against all advice.
impl fmt::Debug for DatasourceView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, name, secrets, .. } = self;
        let mut view = formatter.debug_struct("DatasourceView");
        view.field("uid", uid).field("name", name).field("secrets", secrets).finish_non_exhaustive()
    }
}

/// One round: requests that may be sent at the same time, and the guest's state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetch {
    /// The requests.
    pub requests: Vec<Request>,
    /// What the guest remembers until the responses are there.
    pub state: String,
}

/// What one round of a query made of its responses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The frames found.
    pub frames: Vec<Frame>,
    /// Another round, or none if the query is done.
    pub next: Option<Fetch>,
}

/// A guest's judgement of a data source.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// Whether it works.
    pub healthy: bool,
    /// What to tell the admin.
    pub message: String,
    /// More: a JSON object.
    pub details: Option<String>,
}

/// A guest's answer to the responses of a health check's round.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The check is over.
    Done(Diagnosis),
    /// Another round.
    Next(Fetch),
}

/// One resource call: what an editor asks for outside of a query.
#[derive(Clone, PartialEq, Eq)]
pub struct ResourceRequest {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path below `resources/`, without a leading `/`.
    pub path: String,
    /// The query parameters, decoded: name and value.
    pub parameters: Vec<(String, String)>,
    /// Header fields that carry no credential; lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The answer to a resource call.
#[derive(Clone, PartialEq, Eq)]
pub struct ResourceResponse {
    /// The HTTP status, 200 to 599.
    pub status: u16,
    /// Header fields, lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A guest's answer to the responses of a resource call's round.
#[derive(Clone, PartialEq)]
pub enum Reply {
    /// The answer.
    Done(ResourceResponse),
    /// Another round.
    Next(Fetch),
}

/// How a guest says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The query cannot be run.
    BadQuery(String),
    /// The settings are incomplete or wrong.
    BadSettings(String),
    /// There is no such thing.
    NotFound(String),
    /// The guest cannot do that at all.
    Unsupported(String),
    /// The API answered with an error of its own.
    Downstream {
        /// The HTTP status to show.
        status: u16,
        /// The API's own message.
        message: String,
    },
    /// The API answered with something the guest cannot read.
    UnexpectedResponse(String),
    /// Something went wrong in the guest.
    Internal(String),
}

impl Refusal {
    /// The same with another text.
    pub fn map_text(self, map: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::BadQuery(text) => Self::BadQuery(map(text)),
            Self::BadSettings(text) => Self::BadSettings(map(text)),
            Self::NotFound(text) => Self::NotFound(map(text)),
            Self::Unsupported(text) => Self::Unsupported(map(text)),
            Self::Downstream { status, message } => {
                Self::Downstream { status, message: map(message) }
            }
            Self::UnexpectedResponse(text) => Self::UnexpectedResponse(map(text)),
            Self::Internal(text) => Self::Internal(map(text)),
        }
    }
}

/// A secret that a guest knows.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SecretDescription {
    /// The name in `secureJsonData`.
    pub name: String,
    /// What the settings page calls it.
    pub title: String,
    /// Where the admin finds it.
    pub help: String,
    /// Whether nothing works without it.
    pub required: bool,
}

/// What a guest can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Time series and tables.
    Metrics,
    /// Log lines.
    Logs,
    /// Traces.
    Traces,
    /// Annotations.
    Annotations,
    /// Live streams.
    Streaming,
    /// Template variables.
    Variables,
    /// Alert rules.
    Alerting,
}

/// How often an API may be asked. What is none is not limited here.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Pace {
    /// Requests for each second, on average; above zero.
    pub requests_per_second: Option<f64>,
    /// Requests that may be sent at once after a rest; above zero.
    pub burst: Option<u32>,
    /// Exchanges in flight; above zero.
    pub in_flight: Option<u32>,
}

impl Pace {
    /// The lower of both, each by itself.
    pub fn and(self, other: Self) -> Self {
        fn lower<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<T> {
            match (one, other) {
                (Some(one), Some(other)) => Some(if other < one { other } else { one }),
                (one, other) => one.or(other),
            }
        }
        Self {
            requests_per_second: lower(self.requests_per_second, other.requests_per_second),
            burst: lower(self.burst, other.burst),
            in_flight: lower(self.in_flight, other.in_flight),
        }
    }
}

/// A guest's self-description.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Description {
    /// The id that `jsonData.guest` names.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The guest's own version.
    pub version: String,
    /// Who made it.
    pub vendor: String,
    /// Where its documentation is; may be empty.
    pub documentation: String,
    /// JSON Schema of the query.
    pub query_schema: String,
    /// JSON Schema of the settings.
    pub settings_schema: String,
    /// The secrets it knows.
    pub secrets: Vec<SecretDescription>,
    /// What it can be used for.
    pub capabilities: Vec<Capability>,
    /// The methods it sends; empty means GET alone.
    pub methods: Vec<Method>,
    /// Hosts it needs besides the data source's own, `host` or `host:port`.
    pub hosts: Vec<String>,
    /// How often its API may be asked.
    #[serde(default)]
    pub pace: Pace,
    /// How long answers are fresh that say nothing.
    #[serde(default)]
    pub cache_for: Option<Duration>,
}

/// Text values in Arrow's layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Where each value starts; one more than there are values, or none for no values.
    pub offsets: Vec<i32>,
    /// The values' UTF-8, one after the other.
    pub bytes: Vec<u8>,
}

/// The values of a field, in Arrow's layout, not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// 8-bit signed integers.
    Int8(Vec<i8>),
    /// 16-bit signed integers.
    Int16(Vec<i16>),
    /// 32-bit signed integers.
    Int32(Vec<i32>),
    /// 64-bit signed integers.
    Int64(Vec<i64>),
    /// 8-bit unsigned integers.
    Uint8(Vec<u8>),
    /// 16-bit unsigned integers.
    Uint16(Vec<u16>),
    /// 32-bit unsigned integers.
    Uint32(Vec<u32>),
    /// 64-bit unsigned integers.
    Uint64(Vec<u64>),
    /// 32-bit floats.
    Float32(Vec<f32>),
    /// 64-bit floats.
    Float64(Vec<f64>),
    /// Text.
    String(Texts),
    /// Packed booleans.
    Bool {
        /// The number of values.
        length: u32,
        /// The bits, least significant first.
        bytes: Vec<u8>,
    },
    /// Points in time, nanoseconds since the epoch.
    Time(Vec<i64>),
    /// One JSON document for each row.
    Json(Texts),
    /// Indexes into the field's enum texts.
    Enum(Vec<u16>),
}

/// A link that is offered at a field's values.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What the user clicks on.
    pub title: String,
    /// Where it leads.
    pub url: String,
    /// Whether it opens in a new tab.
    pub new_tab: bool,
}

/// Values that no number or text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialValue {
    /// Boolean true.
    True,
    /// Boolean false.
    False,
    /// No value.
    Null,
    /// Not a number.
    Nan,
    /// No value, or not a number.
    NullOrNan,
    /// Empty text.
    Empty,
}

/// The value that a mapping is for.
#[derive(Clone, Debug, PartialEq)]
pub enum MappingMatch {
    /// Exactly this value, as text.
    Value(String),
    /// All between these two; an open end matches everything on its side.
    Range(Option<f64>, Option<f64>),
    /// A special value.
    Special(SpecialValue),
}

/// Shows a value as something else.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueMapping {
    /// Which value.
    pub when: MappingMatch,
    /// The text to show.
    pub text: Option<String>,
    /// The colour to show it in.
    pub color: Option<String>,
}

/// A colour from some value on.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// From here on; none for the base step.
    pub value: Option<f64>,
    /// The colour.
    pub color: String,
}

/// One thing to say about how a field is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldConfig {
    /// Grafana's `displayName`.
    DisplayName(String),
    /// Grafana's `displayNameFromDS`.
    DisplayNameFromDs(String),
    /// What the field is.
    Description(String),
    /// The path to the field within the data source.
    Path(String),
    /// Grafana's unit id.
    Unit(String),
    /// Digits after the decimal point.
    Decimals(u16),
    /// The smallest value to expect.
    Min(f64),
    /// The largest value to expect.
    Max(f64),
    /// The distance between points in time, milliseconds.
    IntervalMilliseconds(f64),
    /// Whether Grafana offers to filter.
    Filterable(bool),
    /// Whether the field can be written back.
    Writeable(bool),
    /// What to show where there is no value.
    NoValue(String),
    /// A link.
    Link(Link),
    /// A value mapping.
    Mapping(ValueMapping),
    /// Colours by value.
    Thresholds {
        /// Whether the steps' values are percentages between min and max.
        percentage: bool,
        /// The steps, base step first.
        steps: Vec<Threshold>,
    },
    /// Grafana's colour mode, a JSON object.
    Color(String),
    /// The texts of an enum column.
    EnumTexts(Vec<String>),
    /// Options of the visualization, a JSON object.
    Custom(String),
}

/// One named column of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name; may be empty or repeat.
    pub name: String,
    /// What tells the series from its siblings: name and value.
    pub labels: Vec<(String, String)>,
    /// How it is shown.
    pub config: Vec<FieldConfig>,
    /// The values.
    pub values: Column,
    /// Which rows have a value, one bit each; none if the field is not nullable.
    pub validity: Option<Vec<u8>>,
}

impl Field {
    /// What the values take, bytes.
    pub fn size(&self) -> usize {
        let values = match &self.values {
            Column::Int8(values) => size_of_val(values.as_slice()),
            Column::Int16(values) => size_of_val(values.as_slice()),
            Column::Int32(values) => size_of_val(values.as_slice()),
            Column::Int64(values) | Column::Time(values) => size_of_val(values.as_slice()),
            Column::Uint8(values) => size_of_val(values.as_slice()),
            Column::Uint16(values) | Column::Enum(values) => size_of_val(values.as_slice()),
            Column::Uint32(values) => size_of_val(values.as_slice()),
            Column::Uint64(values) => size_of_val(values.as_slice()),
            Column::Float32(values) => size_of_val(values.as_slice()),
            Column::Float64(values) => size_of_val(values.as_slice()),
            Column::String(texts) | Column::Json(texts) => {
                size_of_val(texts.offsets.as_slice()) + texts.bytes.len()
            }
            Column::Bool { bytes, .. } => bytes.len(),
        };
        values + self.validity.as_ref().map_or(0, Vec::len)
    }
}

/// The kind of a frame (contract section 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One time field, labelled value fields.
    TimeseriesWide,
    /// One frame for each series.
    TimeseriesMulti,
    /// Text columns tell the series apart.
    TimeseriesLong,
    /// Labelled value fields, at most one row.
    NumericWide,
    /// One frame for each item.
    NumericMulti,
    /// Text columns tell the items apart.
    NumericLong,
    /// Log lines.
    LogLines,
    /// Any table.
    Table,
    /// A heatmap, a field for each bucket.
    HeatmapRows,
    /// A heatmap, a row for each cell.
    HeatmapCells,
    /// A listing of folders.
    DirectoryListing,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// For information.
    Info,
    /// The data may not be what the user expects.
    Warning,
    /// Some of the data is missing.
    Error,
}

/// Something to tell the user beside the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// What to say.
    pub text: String,
    /// A URL to read more at.
    pub link: Option<String>,
}

/// A named number about the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    /// What it is.
    pub display_name: String,
    /// Grafana's unit id; empty for none.
    pub unit: String,
    /// The number.
    pub value: f64,
}

/// The visualization that fits best in Explore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visualization {
    /// A graph.
    Graph,
    /// A table.
    Table,
    /// Log lines.
    Logs,
    /// A trace.
    Trace,
    /// A graph of nodes and edges.
    NodeGraph,
    /// A flame graph.
    FlameGraph,
}

/// One thing to say about a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameMeta {
    /// What kind of frame it is.
    Kind(Kind),
    /// Something to tell the user.
    Notice(Notice),
    /// A number about the query.
    Stat(Stat),
    /// The query as the API was asked.
    ExecutedQuery(String),
    /// The visualization that fits best.
    PreferredVisualization(Visualization),
    /// The frame holds annotations.
    Annotations,
    /// A JSON object for the vendor's front end.
    Custom(String),
    /// The indexes of the fields that identify a row.
    UniqueRowIdFields(Vec<u32>),
}

/// One data frame as a guest returned it, not yet checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The name; often empty.
    pub name: String,
    /// Frames with the same key are pages of one frame.
    pub page_key: Option<String>,
    /// The fields.
    pub fields: Vec<Field>,
    /// What is to be said about the frame.
    pub meta: Vec<FrameMeta>,
}

/// Whose fault an error is, in Grafana's words (contract section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// This plugin: the host or a guest.
    Plugin,
    /// The API, the network, or what a user asked or configured.
    Downstream,
}

impl Source {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Downstream => "downstream",
        }
    }

    /// Grafana's rule for an HTTP status of the API: statuses that say the request itself was malformed blame the
    /// plugin that made it, all others the API (contract section 4.1).
    pub fn of_status(status: u16) -> Self {
        match status {
            405 | 406 | 412 | 413 | 414 | 416 | 417 | 426 | 431 | 501 => Self::Plugin,
            _ => Self::Downstream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datasource_prints_nothing_that_an_admin_typed_but_its_name() {
        let view = DatasourceView {
            uid: "u".to_owned(),
            name: "n".to_owned(),
            url: "http://host/?key=secret".to_owned(),
            settings: r#"{"token":"secret"}"#.to_owned(),
            secrets: vec!["apiKey".to_owned()],
        };
        let printed = format!("{view:?}");
        assert_eq!(printed, r#"DatasourceView { uid: "u", name: "n", secrets: ["apiKey"], .. }"#);
    }
}
