//! Frame meta, in the order in which Grafana writes it (contract section 3.4).

use serde::Serialize;
use serde_json::value::RawValue;

use super::{json, object};
use crate::frame::error::Flaw;
use crate::model::{FrameMeta, Kind, Notice, Severity, Stat, Visualization};

/// Frame meta from what a guest says about a frame of `fields` fields; none if it says nothing. Of what is said twice the
/// last holds; notices and stats add up.
pub(in crate::frame) fn meta(said: Vec<FrameMeta>, fields: usize) -> Result<Option<Meta>, Flaw> {
    if said.is_empty() {
        return Ok(None);
    }
    let mut meta = Meta::default();
    for one in said {
        meta.say(one, fields)?;
    }
    Ok(Some(meta))
}

/// Frame meta; as JSON what Grafana reads.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::frame) struct Meta {
    #[serde(skip)]
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    type_version: [u8; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stats: Vec<StatJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<NoticeJson>,
    #[serde(rename = "preferredVisualisationType", skip_serializing_if = "Option::is_none")]
    preferred_visualization: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executed_query_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_topic: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unique_row_id_fields: Vec<u32>,
}

impl Meta {
    /// What kind of frame it is; none if nobody said.
    pub(in crate::frame) fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// Says what kind of frame it is, and the version of the contract that belongs to the kind.
    pub(in crate::frame) fn set_kind(&mut self, kind: Kind) {
        self.kind = Some(kind);
        self.r#type = Some(kind_name(kind));
        self.type_version = version(kind);
    }

    /// Forgets what is said about fields by their index: they are others now.
    pub(in crate::frame) fn forget_fields(&mut self) {
        self.unique_row_id_fields.clear();
    }

    /// Takes over what another frame has to tell the user, but not twice.
    pub(in crate::frame) fn take_notices(&mut self, other: Self) {
        for notice in other.notices {
            if !self.notices.contains(&notice) {
                self.notices.push(notice);
            }
        }
    }

    /// Adds something to tell the user.
    pub(in crate::frame) fn notify(&mut self, notice: Notice) {
        let Notice { severity: how, text, link } = notice;
        self.notices.push(NoticeJson { severity: severity(how), text, link });
    }

    /// Adds a number; it must be finite.
    pub(in crate::frame) fn add_stat(&mut self, stat: Stat) {
        let Stat { display_name, unit, value } = stat;
        self.stats.push(StatJson { display_name, unit, value });
    }

    /// Says how the API was asked, unless the guest did.
    pub(in crate::frame) fn executed_unless_said(&mut self, executed: impl FnOnce() -> String) {
        self.executed_query_string.get_or_insert_with(executed);
    }

    /// Replaces the guest's own object, if there is something to replace it by.
    pub(in crate::frame) fn extend_custom(
        &mut self,
        extended: impl FnOnce(Option<&RawValue>) -> Option<Box<RawValue>>,
    ) {
        if let Some(custom) = extended(self.custom.as_deref()) {
            self.custom = Some(custom);
        }
    }

    /// As a JSON object.
    pub(in crate::frame) fn json(&self) -> String {
        json(self)
    }

    fn say(&mut self, said: FrameMeta, fields: usize) -> Result<(), Flaw> {
        match said {
            FrameMeta::Kind(kind) => self.set_kind(kind),
            // The inspector shows numbers only, and Grafana's decoder takes no others.
            FrameMeta::Stat(stat) if !stat.value.is_finite() => {}
            FrameMeta::Stat(stat) => self.stats.push(StatJson {
                display_name: stat.display_name,
                unit: stat.unit,
                value: stat.value,
            }),
            FrameMeta::Notice(notice) => self.notices.push(NoticeJson {
                severity: severity(notice.severity),
                text: notice.text,
                link: notice.link,
            }),
            FrameMeta::ExecutedQuery(query) => self.executed_query_string = Some(query),
            FrameMeta::PreferredVisualization(visualization) => {
                self.preferred_visualization = Some(visualization_name(visualization));
            }
            FrameMeta::Annotations => self.data_topic = Some("annotations"),
            FrameMeta::Custom(text) => self.custom = Some(object("custom", text)?),
            FrameMeta::UniqueRowIdFields(indexes) => {
                let is_field =
                    |index: u32| usize::try_from(index).is_ok_and(|index| index < fields);
                if let Some(index) = indexes.iter().copied().find(|index| !is_field(*index)) {
                    return Err(Flaw::RowIdField { index, fields });
                }
                self.unique_row_id_fields = indexes;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatJson {
    display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    unit: String,
    value: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct NoticeJson {
    severity: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

/// Grafana's name for a kind.
pub(in crate::frame) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::TimeseriesWide => "timeseries-wide",
        Kind::TimeseriesMulti => "timeseries-multi",
        Kind::TimeseriesLong => "timeseries-long",
        Kind::NumericWide => "numeric-wide",
        Kind::NumericMulti => "numeric-multi",
        Kind::NumericLong => "numeric-long",
        Kind::LogLines => "log-lines",
        Kind::Table => "table",
        Kind::HeatmapRows => "heatmap-rows",
        Kind::HeatmapCells => "heatmap-cells",
        Kind::DirectoryListing => "directory-listing",
    }
}

/// The version of the data-plane contract that a kind belongs to; 0.0 for the kinds that it does not define (contract
/// section 3.6). Server-side expressions ignore a kind of version 0.0.
fn version(kind: Kind) -> [u8; 2] {
    match kind {
        Kind::TimeseriesWide
        | Kind::TimeseriesMulti
        | Kind::TimeseriesLong
        | Kind::NumericWide
        | Kind::NumericMulti
        | Kind::NumericLong => [0, 1],
        Kind::LogLines
        | Kind::Table
        | Kind::HeatmapRows
        | Kind::HeatmapCells
        | Kind::DirectoryListing => [0, 0],
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn visualization_name(visualization: Visualization) -> &'static str {
    match visualization {
        Visualization::Graph => "graph",
        Visualization::Table => "table",
        Visualization::Logs => "logs",
        Visualization::Trace => "trace",
        Visualization::NodeGraph => "nodeGraph",
        Visualization::FlameGraph => "flamegraph",
    }
}
