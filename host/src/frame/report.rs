//! What a query did, on its first frame: where Grafana's query inspector shows it (contract section 3.4).
//!
//! The numbers are stats, the requests are the executed query unless the guest has its own to show, and all of them with their details
//! are `custom.exchanges`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytesize::ByteSize;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::metadata::Meta;
use super::{Frames, model};
use crate::limits::EXCHANGES_TOLD_MAX;
use crate::model::{Exchange, Notice, Origin};

impl Frames {
    /// Tells of the exchanges, and whatever else there is to say to whoever looks at the frames. Without a frame there is nobody to tell.
    pub fn tell(&mut self, exchanges: &[Exchange], notices: Vec<Notice>) {
        let Some(first) = self.frames.first_mut() else { return };
        let meta = first.meta.get_or_insert_default();
        for notice in notices {
            meta.notify(notice);
        }
        if !exchanges.is_empty() {
            tell(meta, exchanges);
        }
    }
}

fn tell(meta: &mut Meta, exchanges: &[Exchange]) {
    let count = |origins: &[Origin]| {
        exchanges.iter().filter(|exchange| origins.contains(&exchange.origin)).count()
    };
    let milliseconds: f64 = exchanges.iter().map(milliseconds).sum();
    let bytes: usize = exchanges.iter().map(|exchange| exchange.bytes).sum();
    let retries: u32 = exchanges.iter().map(|exchange| exchange.retries).sum();
    let at_hand = count(&[Origin::Cache, Origin::Revalidated, Origin::Stale]);
    for (display_name, unit, value) in [
        ("Requests", "", exchanges.len() as f64),
        ("Time of all requests together", "ms", milliseconds),
        ("Size of responses", "decbytes", bytes as f64),
        ("Responses from the cache", "", at_hand as f64),
        ("Responses shared with other queries", "", count(&[Origin::Shared]) as f64),
        ("Tries after the first", "", f64::from(retries)),
    ] {
        let (display_name, unit) = (display_name.to_owned(), unit.to_owned());
        meta.add_stat(model::Stat { display_name, unit, value });
    }
    meta.executed_unless_said(|| executed(exchanges));
    meta.extend_custom(|custom| extended(custom, exchanges));
}

/// A line for each exchange, as people read it.
fn executed(exchanges: &[Exchange]) -> String {
    let mut text = String::new();
    for exchange in exchanges.iter().take(EXCHANGES_TOLD_MAX) {
        let Exchange { method, url, status, elapsed, bytes, origin, retries, failure } = exchange;
        let size = ByteSize::b(*bytes as u64).display().iec();
        let came = match failure {
            Some(failure) => failure.sentence.clone(),
            None => format!("{status}, {} ms, {size}", elapsed.as_millis()),
        };
        let origin = match origin {
            Origin::Api => "",
            Origin::Shared => ", shared with another query",
            Origin::Cache => ", from the cache",
            Origin::Revalidated => ", from the cache, because it has not changed",
            Origin::Stale => ", from the cache, because the API gave no answer",
        };
        let retries = match retries {
            0 => String::new(),
            1 => ", 1 retry".to_owned(),
            retries => format!(", {retries} retries"),
        };
        // Writing to memory does not fail.
        let _written = writeln!(text, "{method} {url} -> {came}{origin}{retries}");
    }
    if let Some(more) = exchanges.len().checked_sub(EXCHANGES_TOLD_MAX).filter(|more| *more > 0) {
        let _written = writeln!(text, "and {more} more");
    }
    text.truncate(text.trim_end().len());
    text
}

/// One exchange, for whoever looks at the frame's JSON.
#[derive(Serialize)]
struct Told<'a> {
    method: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    milliseconds: f64,
    bytes: usize,
    origin: &'static str,
    retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
}

/// A guest's own object with the exchanges in it, unless it has a member of that name already.
fn extended(custom: Option<&RawValue>, exchanges: &[Exchange]) -> Option<Box<RawValue>> {
    const NAME: &str = "exchanges";
    let mut members: BTreeMap<String, Box<RawValue>> = match custom {
        Some(custom) => serde_json::from_str(custom.get()).ok()?,
        None => BTreeMap::new(),
    };
    if members.contains_key(NAME) {
        return None;
    }
    let told = exchanges.iter().take(EXCHANGES_TOLD_MAX).map(|exchange| Told {
        method: exchange.method,
        url: &exchange.url,
        status: Some(exchange.status).filter(|status| *status > 0),
        milliseconds: milliseconds(exchange),
        bytes: exchange.bytes,
        origin: exchange.origin.as_str(),
        retries: exchange.retries,
        failure: exchange.failure.as_ref().map(|failure| failure.sentence.as_str()),
    });
    members.insert(NAME.to_owned(), to_raw_value(&told.collect::<Vec<_>>()).ok()?);
    to_raw_value(&members).ok()
}

/// With a tenth of one: less is not worth reading.
fn milliseconds(exchange: &Exchange) -> f64 {
    (exchange.elapsed.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::frame::Frames;
    use crate::limits::Limits;
    use crate::model::{Failure, Format, Frame, FrameMeta, Severity};

    fn exchange(url: &str, origin: Origin, retries: u32) -> Exchange {
        Exchange {
            method: "GET",
            url: url.to_owned(),
            status: 200,
            elapsed: Duration::from_millis(12),
            bytes: 3_174,
            origin,
            retries,
            failure: None,
        }
    }

    fn told(
        meta: Vec<FrameMeta>,
        exchanges: &[Exchange],
        notices: Vec<Notice>,
    ) -> serde_json::Value {
        let mut frames = Frames::new(&Limits::default());
        frames.add(vec![Frame { meta, ..Frame::default() }, Frame::default()]).unwrap();
        frames.tell(exchanges, notices);
        let encoded = frames.complete().unwrap().encode("A", Format::Json).unwrap();
        let second: serde_json::Value = serde_json::from_slice(&encoded[1]).unwrap();
        assert!(second["schema"]["meta"].get("stats").is_none(), "{second}");
        let first: serde_json::Value = serde_json::from_slice(&encoded[0]).unwrap();
        first["schema"]["meta"].clone()
    }

    #[test]
    fn the_first_frame_tells_what_the_query_did() {
        let failed = Exchange {
            status: 0,
            bytes: 0,
            failure: Some(Failure { sentence: "No connection.".to_owned(), is_of_tls: false }),
            ..exchange("http://h/y", Origin::Api, 2)
        };
        let meta =
            told(Vec::new(), &[exchange("http://h/x?a=b", Origin::Cache, 0), failed], Vec::new());
        assert_eq!(
            meta["executedQueryString"],
            "GET http://h/x?a=b -> 200, 12 ms, 3.1 KiB, from the cache\n\
             GET http://h/y -> No connection., 2 retries"
        );
        let stats: Vec<_> =
            meta["stats"].as_array().unwrap().iter().map(|it| it["value"].as_f64()).collect();
        assert_eq!(stats, [2.0, 24.0, 3174.0, 1.0, 0.0, 2.0].map(Some));
        assert_eq!(
            meta["custom"]["exchanges"][1],
            serde_json::json!({
                "method": "GET", "url": "http://h/y", "milliseconds": 12.0, "bytes": 0, "origin": "api", "retries": 2,
                "failure": "No connection."
            })
        );
    }

    #[test]
    fn what_the_guest_says_stays() {
        let said = vec![
            FrameMeta::ExecutedQuery("up".to_owned()),
            FrameMeta::Custom(r#"{"exchanges":1,"own":2}"#.to_owned()),
        ];
        let meta = told(said, &[exchange("http://h", Origin::Api, 0)], Vec::new());
        assert_eq!(meta["executedQueryString"], "up");
        assert_eq!(meta["custom"], serde_json::json!({"exchanges": 1, "own": 2}));
        let own = vec![FrameMeta::Custom(r#"{"own":2}"#.to_owned())];
        let meta = told(own, &[exchange("http://h", Origin::Api, 1)], Vec::new());
        assert_eq!(meta["custom"]["own"], 2);
        assert_eq!(meta["custom"]["exchanges"][0]["retries"], 1);
    }

    #[test]
    fn many_exchanges_are_told_in_part() {
        let all = vec![exchange("http://h", Origin::Api, 0); EXCHANGES_TOLD_MAX + 3];
        let meta = told(Vec::new(), &all, Vec::new());
        let text = meta["executedQueryString"].as_str().unwrap();
        assert!(text.ends_with("\nand 3 more"), "{text}");
        assert_eq!(meta["custom"]["exchanges"].as_array().unwrap().len(), EXCHANGES_TOLD_MAX);
    }

    #[test]
    fn notices_are_told_without_exchanges_too_and_nothing_is_told_without_either() {
        let notice = Notice { severity: Severity::Warning, text: "half".to_owned(), link: None };
        let meta = told(Vec::new(), &[], vec![notice]);
        assert_eq!(meta["notices"][0]["text"], "half");
        let mut frames = Frames::new(&Limits::default());
        frames.tell(&[exchange("http://h", Origin::Api, 0)], Vec::new());
        assert!(frames.is_empty());
    }
}
