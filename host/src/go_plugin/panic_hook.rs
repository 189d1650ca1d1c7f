//! A panic becomes one line of the log. What Rust prints by itself is plain text, which Grafana files under debug.

use std::panic::{self, PanicHookInfo};
use std::thread;
use std::time::SystemTime;

use tracing::Level;

use super::hclog;

/// From now on each panic is logged once, at error level, with its place and without a backtrace. A developer at a terminal has
/// Rust's own text.
///
/// The line does not pass through `tracing`: what panicked may be the log itself.
pub fn install() {
    if let hclog::Reader::Grafana = hclog::reader() {
        panic::set_hook(Box::new(|info| hclog::to_stderr(&line(info, SystemTime::now()))));
    }
}

fn line(info: &PanicHookInfo<'_>, now: SystemTime) -> Vec<u8> {
    let message = info.payload_as_str().unwrap_or("no message");
    let location = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let current = thread::current();
    let fields = [("location", location.as_str()), ("thread", current.name().unwrap_or("unnamed"))];
    hclog::line(Level::ERROR, module_path!(), &format!("Panic: {message}"), fields.into_iter(), now)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[test]
    fn a_panic_is_one_line_that_says_where() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        // The hook is the whole process's, so other tests' panics must still be heard.
        let before = Arc::new(panic::take_hook());
        let others = Arc::clone(&before);
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() == Some("the panicking one") {
                heard.lock().unwrap().push(line(info, SystemTime::UNIX_EPOCH));
            } else {
                others(info);
            }
        }));
        let panicking = thread::Builder::new().name("the panicking one".to_owned());
        let ended = panicking.spawn(|| panic!("two\nlines of {}", "text")).unwrap().join();
        panic::set_hook(Box::new(move |info| before(info)));

        assert!(ended.is_err());
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].iter().filter(|byte| **byte == b'\n').count(), 1);
        let line: Value = serde_json::from_slice(&lines[0]).unwrap();
        assert_eq!(line["@level"], "error");
        assert_eq!(line["@message"], "Panic: two\nlines of text");
        assert_eq!(line["thread"], "the panicking one");
        let location = line["location"].as_str().unwrap();
        assert!(location.contains("panic_hook.rs:"), "{location}");
    }
}
