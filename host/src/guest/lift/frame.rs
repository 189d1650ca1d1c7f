//! Frames as a guest returned them. Nothing is checked here: that is for `frame`.

use crate::guest::bindings::graft::datasource::frame as contract;
use crate::model;

pub(super) fn frame(frame: contract::Frame) -> model::Frame {
    model::Frame {
        name: frame.name,
        page_key: frame.page_key,
        fields: frame.fields.into_iter().map(field).collect(),
        meta: frame.meta.into_iter().map(meta).collect(),
    }
}

fn field(field: contract::Field) -> model::Field {
    model::Field {
        name: field.name,
        labels: field.labels.into_iter().map(|label| (label.name, label.value)).collect(),
        config: field.config.into_iter().map(config).collect(),
        values: column(field.values),
        validity: field.validity,
    }
}

fn column(column: contract::Column) -> model::Column {
    match column {
        contract::Column::Int8(values) => model::Column::Int8(values),
        contract::Column::Int16(values) => model::Column::Int16(values),
        contract::Column::Int32(values) => model::Column::Int32(values),
        contract::Column::Int64(values) => model::Column::Int64(values),
        contract::Column::Uint8(values) => model::Column::Uint8(values),
        contract::Column::Uint16(values) => model::Column::Uint16(values),
        contract::Column::Uint32(values) => model::Column::Uint32(values),
        contract::Column::Uint64(values) => model::Column::Uint64(values),
        contract::Column::Float32(values) => model::Column::Float32(values),
        contract::Column::Float64(values) => model::Column::Float64(values),
        contract::Column::String(values) => model::Column::String(texts(values)),
        contract::Column::Bool(bits) => {
            model::Column::Bool { length: bits.length, bytes: bits.bytes }
        }
        contract::Column::Time(values) => model::Column::Time(values),
        contract::Column::Json(values) => model::Column::Json(texts(values)),
        contract::Column::Enum(values) => model::Column::Enum(values),
    }
}

fn texts(texts: contract::Texts) -> model::Texts {
    model::Texts { offsets: texts.offsets, bytes: texts.bytes }
}

fn config(config: contract::FieldConfig) -> model::FieldConfig {
    match config {
        contract::FieldConfig::DisplayName(text) => model::FieldConfig::DisplayName(text),
        contract::FieldConfig::DisplayNameFromDs(text) => {
            model::FieldConfig::DisplayNameFromDs(text)
        }
        contract::FieldConfig::Description(text) => model::FieldConfig::Description(text),
        contract::FieldConfig::Path(text) => model::FieldConfig::Path(text),
        contract::FieldConfig::Unit(text) => model::FieldConfig::Unit(text),
        contract::FieldConfig::Decimals(digits) => model::FieldConfig::Decimals(digits),
        contract::FieldConfig::Min(value) => model::FieldConfig::Min(value),
        contract::FieldConfig::Max(value) => model::FieldConfig::Max(value),
        contract::FieldConfig::IntervalMilliseconds(milliseconds) => {
            model::FieldConfig::IntervalMilliseconds(milliseconds)
        }
        contract::FieldConfig::Filterable(is) => model::FieldConfig::Filterable(is),
        contract::FieldConfig::Writeable(is) => model::FieldConfig::Writeable(is),
        contract::FieldConfig::NoValue(text) => model::FieldConfig::NoValue(text),
        contract::FieldConfig::Link(link) => model::FieldConfig::Link(model::Link {
            title: link.title,
            url: link.url,
            new_tab: link.new_tab,
        }),
        contract::FieldConfig::Mapping(mapping) => {
            model::FieldConfig::Mapping(model::ValueMapping {
                when: mapping_match(mapping.when),
                text: mapping.show.text,
                color: mapping.show.color,
            })
        }
        contract::FieldConfig::Thresholds(thresholds) => {
            let steps = thresholds.steps.into_iter();
            model::FieldConfig::Thresholds {
                percentage: thresholds.mode == contract::ThresholdsMode::Percentage,
                steps: steps
                    .map(|step| model::Threshold { value: step.value, color: step.color })
                    .collect(),
            }
        }
        contract::FieldConfig::Color(object) => model::FieldConfig::Color(object),
        contract::FieldConfig::EnumTexts(texts) => model::FieldConfig::EnumTexts(texts),
        contract::FieldConfig::Custom(object) => model::FieldConfig::Custom(object),
    }
}

fn mapping_match(when: contract::MappingMatch) -> model::MappingMatch {
    match when {
        contract::MappingMatch::Value(text) => model::MappingMatch::Value(text),
        contract::MappingMatch::Range((from, to)) => model::MappingMatch::Range(from, to),
        contract::MappingMatch::Special(special) => model::MappingMatch::Special(match special {
            contract::SpecialValue::TrueValue => model::SpecialValue::True,
            contract::SpecialValue::FalseValue => model::SpecialValue::False,
            contract::SpecialValue::Null => model::SpecialValue::Null,
            contract::SpecialValue::Nan => model::SpecialValue::Nan,
            contract::SpecialValue::NullOrNan => model::SpecialValue::NullOrNan,
            contract::SpecialValue::Empty => model::SpecialValue::Empty,
        }),
    }
}

fn meta(meta: contract::FrameMeta) -> model::FrameMeta {
    match meta {
        contract::FrameMeta::Kind(kind) => model::FrameMeta::Kind(self::kind(kind)),
        contract::FrameMeta::Notice(notice) => model::FrameMeta::Notice(model::Notice {
            severity: match notice.severity {
                contract::Severity::Info => model::Severity::Info,
                contract::Severity::Warning => model::Severity::Warning,
                contract::Severity::Error => model::Severity::Error,
            },
            text: notice.text,
            link: notice.link,
        }),
        contract::FrameMeta::Stat(stat) => model::FrameMeta::Stat(model::Stat {
            display_name: stat.display_name,
            unit: stat.unit,
            value: stat.value,
        }),
        contract::FrameMeta::ExecutedQuery(text) => model::FrameMeta::ExecutedQuery(text),
        contract::FrameMeta::PreferredVisualization(visualization) => {
            model::FrameMeta::PreferredVisualization(match visualization {
                contract::Visualization::Graph => model::Visualization::Graph,
                contract::Visualization::Table => model::Visualization::Table,
                contract::Visualization::Logs => model::Visualization::Logs,
                contract::Visualization::Trace => model::Visualization::Trace,
                contract::Visualization::NodeGraph => model::Visualization::NodeGraph,
                contract::Visualization::FlameGraph => model::Visualization::FlameGraph,
            })
        }
        contract::FrameMeta::Annotations => model::FrameMeta::Annotations,
        contract::FrameMeta::Custom(object) => model::FrameMeta::Custom(object),
        contract::FrameMeta::UniqueRowIdFields(indexes) => {
            model::FrameMeta::UniqueRowIdFields(indexes)
        }
    }
}

fn kind(kind: contract::Kind) -> model::Kind {
    match kind {
        contract::Kind::TimeseriesWide => model::Kind::TimeseriesWide,
        contract::Kind::TimeseriesMulti => model::Kind::TimeseriesMulti,
        contract::Kind::TimeseriesLong => model::Kind::TimeseriesLong,
        contract::Kind::NumericWide => model::Kind::NumericWide,
        contract::Kind::NumericMulti => model::Kind::NumericMulti,
        contract::Kind::NumericLong => model::Kind::NumericLong,
        contract::Kind::LogLines => model::Kind::LogLines,
        contract::Kind::Table => model::Kind::Table,
        contract::Kind::HeatmapRows => model::Kind::HeatmapRows,
        contract::Kind::HeatmapCells => model::Kind::HeatmapCells,
        contract::Kind::DirectoryListing => model::Kind::DirectoryListing,
    }
}
