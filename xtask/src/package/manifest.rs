//! `plugin.json`, held to Grafana's rules for the plugin of a data source with a backend: grafana/plugin-validator refuses others.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::repository::shown;

/// What of `plugin.json` decides the layout of the package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The plugin's id, which its folder is named after.
    pub(crate) id: String,
    /// What the binary's name begins with.
    pub(crate) executable: String,
    /// The plugin's version.
    pub(crate) version: String,
    /// The logos, as paths in the package.
    pub(crate) logos: [String; 2],
}

impl Manifest {
    /// Reads a file and checks it; `version` is that of the crates.
    pub(crate) fn read(file: &Path, version: &str) -> anyhow::Result<Self> {
        let name = shown(file);
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
        let json = serde_json::from_str(&text).with_context(|| format!("{name} is not JSON"))?;
        Self::from_json(&json, version).with_context(|| format!("{name} does not fit"))
    }

    fn from_json(json: &Value, version: &str) -> anyhow::Result<Self> {
        let id = text(json, "/id")?;
        if !is_id(&id) {
            bail!("its id is '{id}', but must be such as acme-weather-datasource");
        }
        for (pointer, expected) in [("/type", Value::from("datasource")), ("/backend", true.into())]
        {
            if json.pointer(pointer) != Some(&expected) {
                bail!("'{pointer}' must be {expected}");
            }
        }
        let given = text(json, "/info/version")?;
        if given != version {
            bail!("it has version {given}, but Cargo.toml has {version}");
        }
        let updated = text(json, "/info/updated")?;
        if !is_date(&updated) {
            bail!("'/info/updated' is '{updated}', but must be a date such as 2026-01-31");
        }
        for pointer in ["/name", "/dependencies/grafanaDependency"] {
            text(json, pointer)?;
        }
        if json.pointer("/info/keywords/0").is_none_or(|keyword| !keyword.is_string()) {
            bail!("'/info/keywords' must have at least one text");
        }
        let logos = [text(json, "/info/logos/small")?, text(json, "/info/logos/large")?];
        let executable = text(json, "/executable")?;
        Ok(Self { id, executable, version: given, logos })
    }
}

fn text(json: &Value, pointer: &str) -> anyhow::Result<String> {
    let text = json.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).with_context(|| format!("'{pointer}' must be a text"))
}

/// `^[0-9a-z]+\-([0-9a-z]+\-)?datasource$`
fn is_id(id: &str) -> bool {
    let parts: Vec<_> = id.split('-').collect();
    let is_word = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    matches!(parts.len(), 2 | 3) && parts.iter().all(is_word) && parts.last() == Some(&"datasource")
}

fn is_date(date: &str) -> bool {
    let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn valid() -> Value {
        json!({
            "id": "graft-datasource", "type": "datasource", "name": "Graft", "backend": true,
            "executable": "gpx_graft", "dependencies": { "grafanaDependency": ">=12.3.0" },
            "info": {
                "version": "1.2.3", "updated": "2026-01-31", "keywords": ["api"],
                "logos": { "small": "img/s.svg", "large": "img/l.svg" },
            },
        })
    }

    fn complaint(pointer: &str, value: Value) -> String {
        let mut json = valid();
        *json.pointer_mut(pointer).unwrap() = value;
        Manifest::from_json(&json, "1.2.3").unwrap_err().to_string()
    }

    #[test]
    fn our_own_is_valid() {
        let file = crate::repository::root().join("plugin.json");
        let manifest = Manifest::read(&file, env!("CARGO_PKG_VERSION")).unwrap();
        assert_eq!((&*manifest.id, &*manifest.executable), ("graft-datasource", "gpx_graft"));
    }

    #[test]
    fn a_valid_one_says_what_the_package_is_made_of() {
        let manifest = Manifest::from_json(&valid(), "1.2.3").unwrap();
        assert_eq!(manifest.logos, ["img/s.svg", "img/l.svg"]);
        assert_eq!(manifest.version, "1.2.3");
    }

    #[test]
    fn what_grafana_would_refuse_is_named() {
        assert!(complaint("/id", "Graft".into()).contains("its id is 'Graft'"));
        assert!(complaint("/backend", false.into()).contains("'/backend' must be true"));
        assert!(complaint("/info/version", "1.2.4".into()).contains("Cargo.toml has 1.2.3"));
        assert!(complaint("/info/updated", "31.1.2026".into()).contains("must be a date"));
        assert!(complaint("/info/keywords", json!([])).contains("at least one text"));
        assert!(complaint("/executable", Value::Null).contains("'/executable' must be a text"));
    }

    #[test]
    fn an_id_is_two_or_three_words() {
        let ids = [
            "a-datasource",
            "a-b2-datasource",
            "datasource",
            "a-b-c-datasource",
            "a--datasource",
            "a-panel",
        ];
        assert_eq!(ids.map(is_id), [true, true, false, false, false, false]);
    }
}
