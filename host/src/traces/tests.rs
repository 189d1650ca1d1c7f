use std::time::Instant;

use http::{HeaderMap, HeaderValue};

use super::sampler::RateLimit;
use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const BOTH: Propagation = Propagation { w3c: true, jaeger: true };
const JAEGER: Propagation = Propagation { w3c: false, jaeger: true };

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs.map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value))).collect()
}

/// What goes on to the API of a request that came with these headers, where the guest sent others.
fn handed_on(
    came: &[(&'static str, &'static str)],
    propagation: Propagation,
    own: &[(&'static str, &'static str)],
) -> HeaderMap {
    let incoming = Incoming::read(&headers(came), propagation);
    let _entered = incoming.enter();
    let mut sent = headers(own);
    inject(&mut sent);
    sent
}

#[test]
fn the_trace_goes_on_by_the_headers_that_grafana_uses() {
    let sent =
        handed_on(&[("traceparent", W3C), ("tracestate", "a=b")], Propagation::default(), &[]);
    assert_eq!(sent, headers(&[("traceparent", W3C), ("tracestate", "a=b")]));

    let jaeger = "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1";
    let sent = handed_on(&[("traceparent", W3C)], BOTH, &[]);
    assert_eq!(sent, headers(&[("traceparent", W3C), ("uber-trace-id", jaeger)]));
    let came = "4bf92f3577b34da6a3ce929d0e0e4736%3A00f067aa0ba902b7%3A0%3A1";
    let sent = handed_on(&[("uber-trace-id", came)], JAEGER, &[]);
    assert_eq!(sent, headers(&[("uber-trace-id", jaeger)]));
}

#[test]
fn what_the_guest_sends_itself_stays() {
    let sent = handed_on(&[("traceparent", W3C)], BOTH, &[("traceparent", "own")]);
    assert_eq!(sent["traceparent"], "own");
    assert!(sent.contains_key("uber-trace-id"));
}

#[test]
fn what_is_no_trace_is_none() {
    for value in ["", "00-zz-00f067aa0ba902b7-01", "00-0-0-00", "ff"] {
        let sent = handed_on(&[("traceparent", value), ("baggage", "a=b")], BOTH, &[]);
        assert!(sent.is_empty(), "{value}: {sent:?}");
    }
    for value in ["1:2", "x:y:0:1", "0:0:0:1"] {
        assert!(handed_on(&[("uber-trace-id", value)], JAEGER, &[]).is_empty(), "{value}");
    }
    assert!(handed_on(&[("uber-trace-id", "1:2:0:1")], Propagation::default(), &[]).is_empty());
}

#[test]
fn the_log_can_name_the_trace() {
    assert_eq!(trace_id(), None);
    let incoming = Incoming::read(&headers(&[("traceparent", W3C)]), Propagation::default());
    let _entered = incoming.enter();
    assert_eq!(trace_id().as_deref(), Some(TRACE));
}

#[test]
fn so_many_traces_begin_in_a_second() {
    let start = Instant::now();
    let at = |milliseconds| start + Duration::from_millis(milliseconds);
    let limit = RateLimit::new(2.0, start);
    let taken: Vec<_> = [0, 0, 0, 400, 500, 500, 10_000, 10_000, 10_000]
        .iter()
        .map(|milliseconds| limit.take(at(*milliseconds)))
        .collect();
    assert_eq!(taken, [true, true, false, false, true, false, true, true, false]);

    let slow = RateLimit::new(0.1, start);
    assert!(slow.take(at(0)) && !slow.take(at(9_000)) && slow.take(at(10_500)));
}
