use super::*;

#[track_caller]
fn refused(line: &str, part: &str) {
    let reason = LogLine::read(line).entry.unwrap_err();
    assert!(reason.contains(part), "{reason}");
}

#[test]
fn an_entry_has_a_level_a_message_and_fields() {
    let line = r#"{"@level":"Warn","@message":"hot","@timestamp":"2026-11-23T12:00:00.000000Z","@module":"x","by":3}"#;
    let line = LogLine::read(line);
    let entry = line.entry.clone().unwrap();
    assert_eq!((entry.level.as_str(), entry.message.as_str()), ("warn", "hot"));
    assert_eq!((entry.module.as_str(), &entry.fields["by"]), ("x", &Value::from(3)));
    assert_eq!(line.to_string(), "warn: hot by=3");
    assert!(line.says("ho") && !line.says("cold"));
}

#[test]
fn plain_text_stays_as_it_is() {
    let line = LogLine::read("thread 'main' panicked");
    assert!(line.entry.is_err());
    assert_eq!(line.to_string(), "thread 'main' panicked");
}

#[test]
fn what_grafana_cannot_read_is_no_entry() {
    refused(r#"{"@message":"x"}"#, "no @level");
    refused(r#"{"@level":"info"}"#, "no @message");
    refused(r#"{"@level":"notice","@message":"x"}"#, "'notice'");
    refused("[]", "no JSON object");
    let timestamp =
        |text: &str| format!(r#"{{"@level":"info","@message":"x","@timestamp":"{text}"}}"#);
    refused(&timestamp("2026-11-23T12:00:00Z"), "@timestamp is '2026-11-23T12:00:00Z'");
    refused(&timestamp("2026-11-23T12:00:00.000Z"), "cannot read");
    assert!(LogLine::read(&timestamp("2026-11-23T12:00:00.123456+01:00")).entry.is_ok());
}

#[test]
fn what_would_crash_grafana_is_no_entry() {
    refused(r#"{"@level":1,"@message":"x"}"#, "@level is 1");
    refused(r#"{"@level":"info","@message":{}}"#, "crashes Grafana");
    refused(r#"{"@level":"info","@message":"x","@timestamp":0}"#, "crashes Grafana");
}

#[test]
fn a_field_must_not_take_a_name_of_grafanas() {
    refused(r#"{"@level":"info","@message":"x","timestamp":"now"}"#, "'timestamp'");
}

#[test]
fn a_line_of_64_kib_is_too_long() {
    let line = |length: usize| {
        let rest = r#"{"@level":"info","@message":""}"#.len();
        format!(r#"{{"@level":"info","@message":"{}"}}"#, "x".repeat(length - rest))
    };
    assert!(LogLine::read(&line(LINE_BYTES_MAX - 1)).entry.is_ok());
    refused(&line(LINE_BYTES_MAX), "65536 bytes");
}
