//! Lines of the log, whatever a guest, an API or Grafana made us say.

use graft_host::go_plugin::fuzzing::log_line;
use graft_host::limits::LOG_LINE_BYTES_MAX;
use serde_json::{Map, Value};
use tracing::Level;

use crate::parts::parts;

/// Makes a line and reads it as go-plugin does. The parts are: a module, a message, then names and values of fields in turn.
pub fn log(data: &[u8]) {
    let parts = parts(data);
    let (head, fields) = parts.split_at(parts.len().min(2));
    let part = |index: usize| head.get(index).map(String::as_str).unwrap_or_default();
    let pairs = fields.chunks(2).map(|pair| match pair {
        [name, value] => (name.as_str(), value.as_str()),
        _ => (pair[0].as_str(), ""),
    });
    let line = log_line(Level::WARN, part(0), part(1), pairs);

    assert!(line.len() <= LOG_LINE_BYTES_MAX, "{} bytes", line.len());
    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1), "one line");
    let object: Map<String, Value> = match serde_json::from_slice(&line) {
        Ok(object) => object,
        Err(error) => panic!("{error} in {}", String::from_utf8_lossy(&line)),
    };
    assert!(object.values().all(Value::is_string), "{object:?}");
    assert_eq!(object.get("@level"), Some(&Value::from("warn")));
    let special = object.keys().filter(|key| key.starts_with('@'));
    assert!(special.eq(["@level", "@message", "@module", "@timestamp"]), "{object:?}");
    assert!(!object.contains_key("timestamp"), "Grafana drops a pair of that name");
}
