//! What a frame says beside its values, as the JSON that Grafana's Arrow and JSON encodings share (contract sections 3.2
//! to 3.5).
//!
//! Grafana's decoder is strict where it looks lenient: an unknown key of a threshold, a number out of range in an object
//! that nobody looks at, and all frames of the request are lost. So keys are written from types, and what a guest hands
//! in as JSON is read through once.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Flaw;
use crate::model::{FieldConfig, Frame, FrameMeta, MappingMatch};

mod config;
mod meta;
#[cfg(test)]
mod tests;

pub(super) use config::{Config, config};
pub(super) use meta::{Meta, kind_name, meta};

/// Labels as a JSON object, sorted by name; none if there are none.
pub(super) fn labels(labels: Vec<(String, String)>) -> Result<Option<String>, Flaw> {
    let mut sorted = BTreeMap::new();
    for (name, value) in labels {
        if sorted.contains_key(&name) {
            return Err(Flaw::LabelTwice(name));
        }
        sorted.insert(name, value);
    }
    Ok((!sorted.is_empty()).then(|| json(&sorted)))
}

/// What a frame's texts take that are not values, bytes.
pub(super) fn size(frame: &Frame) -> usize {
    let labels = |labels: &[(String, String)]| -> usize {
        labels.iter().map(|(name, value)| name.len() + value.len()).sum()
    };
    let fields = frame.fields.iter().map(|field| {
        let configs = field.config.iter().map(config_size).sum::<usize>();
        field.name.len() + labels(&field.labels) + configs
    });
    let meta = frame.meta.iter().map(meta_size).sum::<usize>();
    frame.name.len() + fields.sum::<usize>() + meta
}

/// What a number, a key or a bracket takes, about.
const SMALL: usize = 16;

fn config_size(config: &FieldConfig) -> usize {
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    SMALL
        + match config {
            FieldConfig::DisplayName(text)
            | FieldConfig::DisplayNameFromDs(text)
            | FieldConfig::Description(text)
            | FieldConfig::Path(text)
            | FieldConfig::Unit(text)
            | FieldConfig::NoValue(text)
            | FieldConfig::Color(text)
            | FieldConfig::Custom(text) => text.len(),
            FieldConfig::Link(link) => link.title.len() + link.url.len(),
            FieldConfig::Mapping(mapping) => {
                let when = match &mapping.when {
                    MappingMatch::Value(value) => value.len(),
                    MappingMatch::Range(..) | MappingMatch::Special(_) => SMALL,
                };
                when + optional(&mapping.text) + optional(&mapping.color)
            }
            FieldConfig::Thresholds { steps, .. } => {
                steps.iter().map(|step| SMALL + step.color.len()).sum()
            }
            FieldConfig::EnumTexts(texts) => texts.iter().map(|text| SMALL + text.len()).sum(),
            FieldConfig::Decimals(_)
            | FieldConfig::Min(_)
            | FieldConfig::Max(_)
            | FieldConfig::IntervalMilliseconds(_)
            | FieldConfig::Filterable(_)
            | FieldConfig::Writeable(_) => 0,
        }
}

fn meta_size(meta: &FrameMeta) -> usize {
    SMALL
        + match meta {
            FrameMeta::Notice(notice) => {
                notice.text.len() + notice.link.as_ref().map_or(0, String::len)
            }
            FrameMeta::Stat(stat) => stat.display_name.len() + stat.unit.len(),
            FrameMeta::ExecutedQuery(text) | FrameMeta::Custom(text) => text.len(),
            FrameMeta::UniqueRowIdFields(fields) => fields.len() * SMALL,
            FrameMeta::Kind(_) | FrameMeta::PreferredVisualization(_) | FrameMeta::Annotations => 0,
        }
}

#[expect(clippy::expect_used, reason = "writing texts and numbers to memory cannot fail")]
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("keys are texts, and memory takes all that is written")
}

/// A guest's JSON object, to be passed on as it is. `what` is the name of the config or meta case.
fn object(what: &'static str, text: String) -> Result<Box<RawValue>, Flaw> {
    let not_object = |error: serde_json::Error| Flaw::NotObject { what, cause: error.to_string() };
    if !text.trim_start().starts_with('{') {
        return Err(not_object(serde_json::Error::custom("it does not start with '{'")));
    }
    serde_json::from_str::<Readable>(&text).map_err(not_object)?;
    RawValue::from_string(text).map_err(not_object)
}

/// A JSON value that was read and dropped. Unlike serde's `IgnoredAny` it does not take numbers that no float can hold,
/// nor nesting without end: Grafana reads these objects into values of Go, and cannot.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}
