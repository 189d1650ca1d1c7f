//! Field config, in the order in which Grafana writes it (contract section 3.5).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{json, object};
use crate::frame::error::Flaw;
use crate::model::{FieldConfig, MappingMatch, SpecialValue, Threshold, ValueMapping};

/// A field's config.
pub(in crate::frame) struct Config {
    /// A JSON object; none for Grafana's defaults.
    pub json: Option<String>,
    /// How many texts it has for an enum.
    pub enum_texts: usize,
}

/// Field config from what a guest says about a field: of what is said twice the last holds; links and mappings add up.
pub(in crate::frame) fn config(said: Vec<FieldConfig>) -> Result<Config, Flaw> {
    if said.is_empty() {
        return Ok(Config { json: None, enum_texts: 0 });
    }
    let mut config = ConfigJson::default();
    for one in said {
        config.say(one)?;
    }
    let enum_texts = config.r#type.as_ref().map_or(0, |of| of.r#enum.text.len());
    Ok(Config { json: Some(json(&config)), enum_texts })
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "Option::is_none")]
    display_name_from_ds: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filterable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    writeable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimals: Option<u16>,
    /// Not a number and the infinities are written as null, as Grafana does.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// As `min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mappings: Vec<MappingJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thresholds: Option<ThresholdsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<TypeJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Box<RawValue>>,
}

impl ConfigJson {
    fn say(&mut self, said: FieldConfig) -> Result<(), Flaw> {
        match said {
            FieldConfig::DisplayName(name) => self.display_name = Some(name),
            FieldConfig::DisplayNameFromDs(name) => self.display_name_from_ds = Some(name),
            FieldConfig::Description(text) => self.description = Some(text),
            FieldConfig::Path(path) => self.path = Some(path),
            FieldConfig::Unit(unit) => self.unit = Some(unit),
            FieldConfig::Decimals(decimals) => self.decimals = Some(decimals),
            FieldConfig::Min(min) => self.min = Some(min),
            FieldConfig::Max(max) => self.max = Some(max),
            // Grafana has no other way to say that there is none.
            FieldConfig::IntervalMilliseconds(interval) => {
                self.interval = Some(interval).filter(|interval| interval.is_finite());
            }
            FieldConfig::Filterable(filterable) => self.filterable = Some(filterable),
            FieldConfig::Writeable(writeable) => self.writeable = Some(writeable),
            FieldConfig::NoValue(text) => self.no_value = Some(text),
            FieldConfig::Link(link) => self.links.push(LinkJson {
                title: link.title,
                target_blank: link.new_tab,
                url: link.url,
            }),
            FieldConfig::Mapping(mapping) => self.mappings.push(mapping.into()),
            FieldConfig::Thresholds { percentage, steps } => {
                self.thresholds = Some(ThresholdsJson::new(percentage, steps));
            }
            FieldConfig::Color(text) => self.color = Some(object("color", text)?),
            FieldConfig::EnumTexts(text) => {
                self.r#type = Some(TypeJson { r#enum: EnumJson { text } });
            }
            FieldConfig::Custom(text) => self.custom = Some(object("custom", text)?),
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(tag = "type", content = "options", rename_all = "lowercase")]
enum MappingJson {
    Value(BTreeMap<String, ResultJson>),
    Range {
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<f64>,
        result: ResultJson,
    },
    Special {
        r#match: &'static str,
        result: ResultJson,
    },
}

impl From<ValueMapping> for MappingJson {
    fn from(ValueMapping { when, text, color }: ValueMapping) -> Self {
        let result = ResultJson { text, color };
        // An end that is no number is open.
        let end = |end: Option<f64>| end.filter(|end| end.is_finite());
        match when {
            MappingMatch::Value(value) => Self::Value(BTreeMap::from([(value, result)])),
            MappingMatch::Range(from, to) => Self::Range { from: end(from), to: end(to), result },
            MappingMatch::Special(value) => Self::Special { r#match: special(value), result },
        }
    }
}

fn special(value: SpecialValue) -> &'static str {
    match value {
        SpecialValue::True => "true",
        SpecialValue::False => "false",
        SpecialValue::Null => "null",
        SpecialValue::Nan => "nan",
        SpecialValue::NullOrNan => "null+nan",
        SpecialValue::Empty => "empty",
    }
}

#[derive(Serialize)]
struct ResultJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
}

#[derive(Serialize)]
struct ThresholdsJson {
    mode: &'static str,
    steps: Vec<StepJson>,
}

impl ThresholdsJson {
    fn new(percentage: bool, steps: Vec<Threshold>) -> Self {
        let mode = if percentage { "percentage" } else { "absolute" };
        // A value that is no number is written as null, which is the base step. That is right for none and for -Inf; a
        // step that nothing reaches is left out.
        let reached = |step: &Threshold| {
            step.value.is_none_or(|value| !value.is_nan() && value < f64::INFINITY)
        };
        let steps = steps.into_iter().filter(reached);
        let steps = steps.map(|step| StepJson { value: step.value, color: step.color });
        Self { mode, steps: steps.collect() }
    }
}

#[derive(Serialize)]
struct StepJson {
    value: Option<f64>,
    color: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkJson {
    title: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    target_blank: bool,
    url: String,
}

#[derive(Serialize)]
struct TypeJson {
    r#enum: EnumJson,
}

#[derive(Serialize)]
struct EnumJson {
    text: Vec<String>,
}
