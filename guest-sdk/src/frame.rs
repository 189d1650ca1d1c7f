//! Builders for frames and fields.

#[cfg(test)]
mod tests;

use crate::values::{Values, validity};
use crate::{
    Column, Field, FieldConfig, Frame, FrameMeta, Kind, Label, Link, MappingMatch, MappingResult,
    Notice, Severity, Stat, Threshold, Thresholds, ThresholdsMode, ValueMapping, Visualization,
};

impl Frame {
    /// A frame of a kind. Without fields it says "no data".
    pub fn new(kind: Kind) -> Self {
        Self { meta: vec![FrameMeta::Kind(kind)], ..Self::untyped() }
    }

    /// A frame that says nothing about its kind. Alerting has to guess what it is.
    pub fn untyped() -> Self {
        Self { name: String::new(), page_key: None, fields: Vec::new(), meta: Vec::new() }
    }

    /// The frame's name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Frames with the same key, in later rounds too, are pages of one frame.
    #[must_use]
    pub fn page_key(mut self, key: impl Into<String>) -> Self {
        self.page_key = Some(key.into());
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Adds many fields.
    #[must_use]
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// Adds a notice for the user.
    #[must_use]
    pub fn notice(self, severity: Severity, text: impl Into<String>) -> Self {
        self.meta(FrameMeta::Notice(Notice { severity, text: text.into(), link: None }))
    }

    /// Adds a number for the query inspector; `unit` is Grafana's, or empty.
    #[must_use]
    pub fn stat(self, display_name: &str, unit: &str, value: f64) -> Self {
        let (display_name, unit) = (display_name.to_owned(), unit.to_owned());
        self.meta(FrameMeta::Stat(Stat { display_name, unit, value }))
    }

    /// The query as the API was asked.
    #[must_use]
    pub fn executed_query(self, text: impl Into<String>) -> Self {
        self.meta(FrameMeta::ExecutedQuery(text.into()))
    }

    /// The visualization that fits best in Explore.
    #[must_use]
    pub fn preferred_visualization(self, visualization: Visualization) -> Self {
        self.meta(FrameMeta::PreferredVisualization(visualization))
    }

    /// A JSON object for the vendor's own front end.
    #[must_use]
    pub fn custom(self, object: impl ToString) -> Self {
        self.meta(FrameMeta::Custom(object.to_string()))
    }

    /// Adds anything else there is to say about the frame.
    #[must_use]
    pub fn meta(mut self, meta: FrameMeta) -> Self {
        self.meta.push(meta);
        self
    }
}

impl Field {
    /// A field of values. A `Vec` of options makes it nullable.
    pub fn new(name: impl Into<String>, values: impl Into<Values>) -> Self {
        let Values { column, validity } = values.into();
        Self { name: name.into(), labels: Vec::new(), config: Vec::new(), values: column, validity }
    }

    /// A time field that is not nullable, from nanoseconds since the epoch; see
    /// [`time`](crate::time).
    pub fn time(name: impl Into<String>, nanoseconds: Vec<i64>) -> Self {
        Self::new(name, Column::Time(nanoseconds))
    }

    /// A time field whose values may be missing. The time field of a series must not be one.
    pub fn nullable_time(name: impl Into<String>, nanoseconds: Vec<Option<i64>>) -> Self {
        let validity = validity(&nanoseconds);
        let nanoseconds = nanoseconds.into_iter().map(Option::unwrap_or_default).collect();
        Self::new(name, Values::nullable(Column::Time(nanoseconds), validity))
    }

    /// An enum field: an index into `texts` for each row.
    pub fn enumeration(name: impl Into<String>, indexes: Vec<u16>, texts: Vec<String>) -> Self {
        Self::new(name, Column::Enum(indexes)).config(FieldConfig::EnumTexts(texts))
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push(Label { name: name.into(), value: value.into() });
        self
    }

    /// Adds many labels.
    #[must_use]
    pub fn labels<N: Into<String>, V: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let label = |(name, value): (N, V)| Label { name: name.into(), value: value.into() };
        self.labels.extend(labels.into_iter().map(label));
        self
    }

    /// The title a data source gives; the user may override it.
    #[must_use]
    pub fn display_name(self, name: impl Into<String>) -> Self {
        self.config(FieldConfig::DisplayNameFromDs(name.into()))
    }

    /// Grafana's unit id, such as `bytes`.
    #[must_use]
    pub fn unit(self, unit: impl Into<String>) -> Self {
        self.config(FieldConfig::Unit(unit.into()))
    }

    /// What the field is.
    #[must_use]
    pub fn description(self, text: impl Into<String>) -> Self {
        self.config(FieldConfig::Description(text.into()))
    }

    /// The distance between points of a time field, in milliseconds.
    #[must_use]
    pub fn interval_milliseconds(self, milliseconds: f64) -> Self {
        self.config(FieldConfig::IntervalMilliseconds(milliseconds))
    }

    /// Offers a link at the field's values, which opens in a new tab. The URL may hold Grafana's
    /// variables such as `${__value.raw}`.
    #[must_use]
    pub fn link(self, title: impl Into<String>, url: impl Into<String>) -> Self {
        self.config(FieldConfig::Link(Link { title: title.into(), url: url.into(), new_tab: true }))
    }

    /// Shows a value as a text.
    #[must_use]
    pub fn mapping(self, value: impl Into<String>, text: impl Into<String>) -> Self {
        let when = MappingMatch::Value(value.into());
        let show = MappingResult { text: Some(text.into()), color: None };
        self.config(FieldConfig::Mapping(ValueMapping { when, show }))
    }

    /// Colours from some value on, the base colour first: `[(None, "green"), (Some(80.0), "red")]`.
    #[must_use]
    pub fn thresholds(self, steps: &[(Option<f64>, &str)]) -> Self {
        let step =
            |&(value, color): &(Option<f64>, &str)| Threshold { value, color: color.to_owned() };
        let steps = steps.iter().map(step).collect();
        self.config(FieldConfig::Thresholds(Thresholds { mode: ThresholdsMode::Absolute, steps }))
    }

    /// Adds anything else there is to say about the field.
    #[must_use]
    pub fn config(mut self, config: FieldConfig) -> Self {
        self.config.push(config);
        self
    }
}
