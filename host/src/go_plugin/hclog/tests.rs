use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value};

use super::*;
use crate::limits::LOG_LINE_BYTES_MAX;

/// A moment whose timestamp is known: 2026-11-23T12:00:00.000042Z.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_435_200_000_042)
}

/// Reads a line as strictly as go-plugin does, and holds it to what must be true of every line.
fn read(line: &[u8]) -> BTreeMap<String, String> {
    assert!(line.len() <= LOG_LINE_BYTES_MAX, "{} bytes", line.len());
    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1), "one line");
    let object: Map<String, Value> = serde_json::from_slice(line).unwrap();
    let object: BTreeMap<String, String> = object
        .into_iter()
        .map(|(key, value)| {
            let Value::String(value) = value else { panic!("{key} is no text: {value}") };
            (key, value)
        })
        .collect();
    let special: Vec<_> = object.keys().filter(|key| key.starts_with('@')).collect();
    assert_eq!(special, ["@level", "@message", "@module", "@timestamp"]);
    assert!(!object.contains_key("timestamp"), "Grafana drops a pair of that name");
    let timestamp = &object["@timestamp"];
    assert_eq!(timestamp.len(), "2006-01-02T15:04:05.000000Z".len(), "{timestamp}");
    object
}

fn made(message: &str, fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    read(&line(Level::INFO, "graft_host::query", message, fields.iter().copied(), now()))
}

/// The lines that a piece of code logs.
fn logged(work: impl FnOnce()) -> Vec<BTreeMap<String, String>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&lines);
    let write = move |line: &[u8]| heard.lock().unwrap().push(read(line));
    let subscriber = Registry::default()
        .with(Hclog { reader: Reader::Grafana, write }.with_filter(targets(Level::DEBUG)));
    tracing::subscriber::with_default(subscriber, work);
    let lines = lines.lock().unwrap();
    lines.clone()
}

#[test]
fn a_line_is_an_hclog_object() {
    let line = line(Level::WARN, "guest", "Said \"so\"\n", [("name", "a b")].into_iter(), now());
    assert_eq!(
        String::from_utf8(line).unwrap(),
        "{\"@level\":\"warn\",\"@message\":\"Said \\\"so\\\"\\n\",\
         \"@timestamp\":\"2026-11-23T12:00:00.000042Z\",\"@module\":\"guest\",\"name\":\"a b\"}\n"
    );
}

#[test]
fn every_level_has_go_plugins_name() {
    for (level, name) in [
        (Level::TRACE, "trace"),
        (Level::DEBUG, "debug"),
        (Level::INFO, "info"),
        (Level::WARN, "warn"),
        (Level::ERROR, "error"),
    ] {
        assert_eq!(read(&line(level, "", "", [].into_iter(), now()))["@level"], name);
    }
}

#[test]
fn a_whole_second_keeps_its_six_digits() {
    let line = line(Level::INFO, "", "", [].into_iter(), SystemTime::UNIX_EPOCH);
    assert_eq!(read(&line)["@timestamp"], "1970-01-01T00:00:00.000000Z");
}

#[test]
fn a_field_cannot_take_a_name_that_means_something() {
    for (name, written) in [
        ("@level", "level"),
        ("@message", "message"),
        ("@timestamp", "time"),
        ("timestamp", "time"),
        ("@@@level", "level"),
        ("@", "field"),
        ("", "field"),
        ("plain", "plain"),
        ("with \"quotes\"\n", "with \"quotes\"\n"),
    ] {
        let line = made("said", &[(name, "hostile")]);
        assert_eq!(line[written], "hostile", "{name:?}");
        assert_eq!((line["@level"].as_str(), line["@message"].as_str()), ("info", "said"));
    }
}

#[test]
fn a_megabyte_is_cut_and_says_so() {
    for character in ["x", "\u{0}", "\"", "\u{7f}", "é", "🦀", "\u{2028}"] {
        let text = character.repeat(1 << 20);
        let line = made(&text, &[("value", &text), (&text, "long name"), ("after", "kept")]);
        let message = line["@message"].strip_suffix("… (cut)").unwrap();
        assert!(text.starts_with(message) && message.len() > 5_000, "{}", message.len());
        assert!(line["value"].ends_with("… (cut)"));
        assert_eq!(line["after"], "kept");
        assert_eq!(line.len(), 4 + 3);
    }
}

#[test]
fn a_text_that_just_fits_is_whole() {
    let most = LOG_LINE_BYTES_MAX / 2 - 2;
    assert_eq!(made(&"x".repeat(most), &[])["@message"], "x".repeat(most));
    assert!(made(&"x".repeat(most + 1), &[])["@message"].ends_with("… (cut)"));
    // 10,922 control characters and one letter have exactly the bytes that there are.
    let text = format!("{}{}", "\u{1}".repeat(most / 6), "x".repeat(most % 6));
    assert_eq!(made(&text, &[])["@message"], text);
}

#[test]
fn fields_beyond_the_line_are_left_out_and_short_ones_stay() {
    let long = "x".repeat(7_000);
    let names: Vec<String> = (0..100).map(|number| format!("field{number}")).collect();
    let mut fields: Vec<_> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
    fields.push(("short", "kept"));
    let line = made(&long.repeat(10), &fields);
    assert_eq!(line["short"], "kept");
    assert!(line.contains_key("field0") && !line.contains_key("field99"));
}

#[test]
fn an_event_is_a_line_with_all_its_values_as_text() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "read by Debug alone")]
    struct Nested {
        level: u8,
    }
    let lines = logged(|| {
        tracing::warn!(
            number = 1_000_000,
            float = 0.5,
            yes = true,
            shown = %"a\tb",
            nested = ?Nested { level: 1 },
            "@level" = 7,
            timestamp = "mine",
            "Said {}",
            "so"
        );
    });
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((line["@level"].as_str(), line["@message"].as_str()), ("warn", "Said so"));
    assert_eq!(line["@module"], module_path!());
    for (name, value) in [
        ("number", "1000000"),
        ("float", "0.5"),
        ("yes", "true"),
        ("shown", "a\tb"),
        ("nested", "Nested { level: 1 }"),
        ("level", "7"),
        ("time", "mine"),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
}

#[test]
fn an_error_is_written_with_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("the settings are wrong")]
    struct Wrong(#[source] std::num::ParseIntError);

    let error = Wrong("x".parse::<u8>().unwrap_err());
    let lines = logged(|| {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::error!(error, "No");
    });
    assert_eq!(lines[0]["error"], "the settings are wrong: invalid digit found in string");
}

#[test]
fn an_event_has_the_fields_of_the_spans_around_it() {
    let lines = logged(|| {
        let outer =
            tracing::info_span!("outer", uid = "p", which = "outer", late = tracing::field::Empty);
        let _outer = outer.enter();
        outer.record("late", "learnt");
        let _inner = tracing::info_span!("inner", which = "inner").entered();
        tracing::info!("One");
        tracing::info!(which = "event", "Two");
    });
    for (line, which) in lines.iter().zip(["inner", "event"]) {
        let fields = [&line["uid"], &line["which"], &line["late"]];
        assert_eq!(fields, ["p", which, "learnt"]);
    }
    assert_eq!(lines.len(), 2);
}

#[test]
fn libraries_are_heard_from_warnings_on_and_guests_like_the_host() {
    let lines = logged(|| {
        tracing::info!(target: "hyper", "detail");
        tracing::warn!(target: "hyper", "trouble");
        tracing::debug!(target: "guest", "guest's detail");
        tracing::debug!("our detail");
        tracing::trace!("too much");
    });
    let heard: Vec<_> = lines.iter().map(|line| line["@message"].as_str()).collect();
    assert_eq!(heard, ["trouble", "guest's detail", "our detail"]);
}

#[test]
fn pairs_with_names_of_their_own_are_fields_where_the_host_says_nothing_by_that_name() {
    let lines = logged(|| {
        let pairs = "rule=r1\ndsUid=other\n@level=7\ntimestamp=mine\nno pair\n";
        let _span = tracing::info_span!("request", dsUid = "u", loggerParams = pairs).entered();
        tracing::info!("One");
    });
    let line = &lines[0];
    assert_eq!((line["rule"].as_str(), line["dsUid"].as_str()), ("r1", "u"));
    assert_eq!((line["level"].as_str(), line["time"].as_str()), ("7", "mine"));
    assert_eq!(line["@level"], "info");
    assert!(!line.contains_key("loggerParams"));
}
