//! A query as the editor of Grafana's own Prometheus data source saves it.

use serde::{Deserialize, Deserializer};

use crate::tolerance;

/// What this guest reads of a query. Whatever else is in it is the editor's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Model {
    /// The PromQL expression, with Grafana's variables.
    #[serde(deserialize_with = "tolerance::text")]
    pub(crate) expr: String,
    /// Whether to evaluate along the time range.
    #[serde(deserialize_with = "tolerance::flag")]
    range: bool,
    /// Whether to evaluate at the time range's end.
    #[serde(deserialize_with = "tolerance::flag")]
    pub(crate) instant: bool,
    /// Whether to ask for exemplars too.
    #[serde(deserialize_with = "tolerance::flag")]
    pub(crate) exemplar: bool,
    /// The shape of the frames.
    #[serde(deserialize_with = "format")]
    pub(crate) format: Format,
    /// What the series are called.
    #[serde(deserialize_with = "tolerance::text")]
    pub(crate) legend_format: String,
    /// The smallest step: a duration, a number of seconds, or one of Grafana's variables.
    #[serde(deserialize_with = "tolerance::text")]
    pub(crate) interval: String,
    /// Grafana's suggested distance between points; zero if it suggested none.
    #[serde(deserialize_with = "tolerance::integer")]
    pub(crate) interval_ms: i64,
    /// Makes the step longer; from dashboards of old.
    #[serde(deserialize_with = "tolerance::integer")]
    pub(crate) interval_factor: i64,
    /// How far the user's clock is ahead of UTC, so that long steps begin at the user's midnight.
    #[serde(deserialize_with = "tolerance::integer")]
    pub(crate) utc_offset_sec: i64,
}

/// The shape of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// A frame for each series.
    #[default]
    TimeSeries,
    /// One frame: a row for each sample, a column for each label.
    Table,
    /// Cumulative buckets as a heatmap.
    Heatmap,
}

impl Model {
    /// Whether to evaluate along the time range: also where a query says nothing, as dashboards of
    /// old do.
    pub(crate) fn range(&self) -> bool {
        self.range || !self.instant
    }
}

fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Format, D::Error> {
    Ok(match tolerance::text(deserializer)?.as_str() {
        "table" => Format::Table,
        "heatmap" => Format::Heatmap,
        _ => Format::TimeSeries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(json: &str) -> Model {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_query_that_says_nothing_is_along_the_range() {
        let cases = [
            ("{}", (true, false)),
            (r#"{"range":true}"#, (true, false)),
            (r#"{"instant":true}"#, (false, true)),
            (r#"{"instant":true,"range":true}"#, (true, true)),
            (r#"{"instant":false,"range":false}"#, (true, false)),
            (r#"{"exemplar":true}"#, (true, false)),
        ];
        for (json, expected) in cases {
            let model = model(json);
            assert_eq!((model.range(), model.instant), expected, "{json}");
        }
    }

    #[test]
    fn a_format_that_nobody_knows_is_time_series() {
        let cases = [
            (r#"{"format":"table"}"#, Format::Table),
            (r#"{"format":"heatmap"}"#, Format::Heatmap),
            (r#"{"format":"time_series"}"#, Format::TimeSeries),
            (r#"{"format":""}"#, Format::TimeSeries),
            (r#"{"format":2}"#, Format::TimeSeries),
        ];
        for (json, expected) in cases {
            assert_eq!(model(json).format, expected, "{json}");
        }
    }

    #[test]
    fn members_of_odd_types_and_of_others_do_no_harm() {
        let model = model(
            r#"{"refId":"A","datasource":null,"expr":"up","legendFormat":null,"interval":15,
                "intervalFactor":"2","intervalMs":1500.7,"utcOffsetSec":"3600","editorMode":[]}"#,
        );
        assert_eq!((model.expr.as_str(), model.legend_format.as_str()), ("up", ""));
        assert_eq!((model.interval.as_str(), model.interval_factor), ("15", 2));
        assert_eq!((model.interval_ms, model.utc_offset_sec), (1500, 3600));
    }
}
