use std::collections::HashMap;
use std::ffi::OsString;

use super::*;

fn read_from(variables: &[(&str, &str)]) -> (Option<Settings>, Vec<String>) {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let variables: HashMap<OsString, OsString> = variables.collect();
    read(&Variables(&variables))
}

/// The settings with an address and these variables, and the only warning, if there is one.
fn with(variables: &[(&str, &str)]) -> (Settings, Option<String>) {
    let variables = [&[(ADDRESS, "tempo:4317")], variables].concat();
    let (settings, warnings) = read_from(&variables);
    assert!(warnings.len() < 2, "{warnings:?}");
    (settings.unwrap(), warnings.into_iter().next())
}

#[test]
fn without_an_address_there_is_no_tracing_and_nothing_to_say() {
    let rest = [(PROPAGATION, "x"), (SAMPLER_TYPE, "x"), (SAMPLER_PARAM, "x")];
    assert_eq!(read_from(&rest), (None, Vec::new()));
    assert_eq!(read_from(&[(ADDRESS, "")]).0, None);
}

#[test]
fn an_address_alone_traces_everything() {
    let expected = Settings {
        address: "tempo:4317".to_owned(),
        propagation: Propagation { w3c: true, jaeger: false },
        sampler: Sampler::Always,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    assert_eq!(with(&[]), (expected, None));
    assert_eq!(with(&[("GF_PLUGIN_VERSION", "1.2.3")]).0.version, "1.2.3");
}

#[test]
fn samplers_are_those_that_grafana_knows() {
    for (kind, param, sampler) in [
        ("", "0.000000", Sampler::Never),
        ("const", "1.000000", Sampler::Always),
        ("const", "-1", Sampler::Never),
        ("probabilistic", "0.250000", Sampler::Share(0.25)),
        ("rateLimiting", "2.500000", Sampler::PerSecond(2.5)),
    ] {
        let (settings, warning) = with(&[(SAMPLER_TYPE, kind), (SAMPLER_PARAM, param)]);
        assert_eq!((settings.sampler, warning), (sampler, None), "{kind} {param}");
    }
}

#[test]
fn what_cannot_be_read_is_named_and_has_a_default() {
    for (name, value, sampler) in [
        (SAMPLER_TYPE, "dice", Sampler::Always),
        (SAMPLER_TYPE, "remote", Sampler::Share(1.0)),
        (SAMPLER_PARAM, "many", Sampler::Always),
        (SAMPLER_PARAM, "NaN", Sampler::Always),
        (SAMPLER_PARAM, "0.5", Sampler::Always),
    ] {
        let (settings, warning) = with(&[(name, value)]);
        assert_eq!(settings.sampler, sampler, "{name}={value}");
        let warning = warning.unwrap();
        assert!(warning.contains(name) && warning.contains(value), "{warning}");
    }
}

#[test]
fn traces_go_on_by_each_header_that_is_named() {
    let read = |value| with(&[(PROPAGATION, value)]);
    let both = Propagation { w3c: true, jaeger: true };
    assert_eq!(read("w3c, jaeger").0.propagation, both);
    assert_eq!(read("jaeger").0.propagation, Propagation { w3c: false, ..both });
    let (settings, warning) = read("b3");
    assert_eq!(settings.propagation, Propagation::default());
    assert!(warning.unwrap().contains("'b3'"));
}
