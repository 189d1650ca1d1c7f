//! Grafana's own settings for tracing, which it hands to plugins (contract section 6.2).
//!
//! They are not the plugin's, so what cannot be read ends no start: it is a warning, and tracing does what it can.

#[cfg(test)]
mod tests;

use super::Variables;
use crate::traces::{Propagation, Sampler, Settings};

const ADDRESS: &str = "GF_INSTANCE_OTLP_ADDRESS";
const PROPAGATION: &str = "GF_INSTANCE_OTLP_PROPAGATION";
const SAMPLER_TYPE: &str = "GF_INSTANCE_OTLP_SAMPLER_TYPE";
const SAMPLER_PARAM: &str = "GF_INSTANCE_OTLP_SAMPLER_PARAM";

/// Where traces go, if anywhere, and a sentence for each value that has another effect than it says.
pub(super) fn read(variables: &Variables<'_>) -> (Option<Settings>, Vec<String>) {
    let mut warnings = Vec::new();
    let Some(address) = variables.text(ADDRESS) else { return (None, warnings) };
    let settings = Settings {
        address,
        propagation: propagation(variables, &mut warnings),
        sampler: sampler(variables, &mut warnings),
        version: variables
            .text("GF_PLUGIN_VERSION")
            .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
    };
    (Some(settings), warnings)
}

fn propagation(variables: &Variables<'_>, warnings: &mut Vec<String>) -> Propagation {
    let Some(names) = variables.text(PROPAGATION) else { return Propagation::default() };
    let mut propagation = Propagation { w3c: false, jaeger: false };
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "w3c" => propagation.w3c = true,
            "jaeger" => propagation.jaeger = true,
            _ => warnings.push(format!(
                "{PROPAGATION} names '{name}', which is neither 'w3c' nor 'jaeger', and is left out"
            )),
        }
    }
    match propagation {
        Propagation { w3c: false, jaeger: false } => Propagation::default(),
        some => some,
    }
}

fn sampler(variables: &Variables<'_>, warnings: &mut Vec<String>) -> Sampler {
    let param = variables.text(SAMPLER_PARAM).map_or(1.0, |text| {
        let param = text.trim().parse::<f64>().ok().filter(|param| param.is_finite());
        param.unwrap_or_else(|| {
            warnings
                .push(format!("{SAMPLER_PARAM} is '{text}', which is no number: it counts as 1"));
            1.0
        })
    });
    let always_or_never = if param <= 0.0 { Sampler::Never } else { Sampler::Always };
    let kind = variables.text(SAMPLER_TYPE).unwrap_or_default();
    match kind.trim() {
        "" | "const" => {
            if param > 0.0 && param < 1.0 {
                warnings.push(format!(
                    "{SAMPLER_PARAM} is {param}, which a constant sampler cannot be: it counts as 1"
                ));
            }
            always_or_never
        }
        "probabilistic" => Sampler::Share(param),
        "rateLimiting" => Sampler::PerSecond(param.max(0.0)),
        "remote" => {
            warnings.push(format!(
                "{SAMPLER_TYPE} is 'remote', which this plugin cannot ask: where Grafana has not decided, the share \
                 {SAMPLER_PARAM} of its requests is traced"
            ));
            Sampler::Share(param)
        }
        kind => {
            warnings.push(format!(
                "{SAMPLER_TYPE} is '{kind}', which is none of 'const', 'probabilistic', 'rateLimiting' and 'remote': it counts \
                 as 'const'"
            ));
            always_or_never
        }
    }
}
