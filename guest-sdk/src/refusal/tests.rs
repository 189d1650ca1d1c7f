use serde::Deserialize;

use crate::{DownstreamError, Refusal, Response, Responses, TransportFailure};

fn refusal(response: &Response) -> String {
    match response.refusal() {
        Refusal::Downstream(error) => error.message,
        other => panic!("{other:?}"),
    }
}

fn unexpected<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    match result {
        Err(Refusal::UnexpectedResponse(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_apis_own_message_is_found_where_it_usually_is() {
    for body in [
        r#"{"message":"no such table"}"#,
        r#"{"error":"no such table"}"#,
        r#"{"status":"error","errorType":"bad_data","error":"no such table"}"#,
        r#"{"error":{"code":7,"message":"no such table"}}"#,
        r#"{"error":{"type":"missing","reason":"no such table"},"status":404}"#,
        r#"{"errors":[{"detail":"no such table"}]}"#,
        r#"{"errors":["no such table"]}"#,
        r#"{"message":"","errors":[{"message":"no such table"}]}"#,
        r#"{"error":"not_found","error_description":"no such table"}"#,
        r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no such table"}"#,
        r#""no such table""#,
        "no such table\n",
    ] {
        let message = refusal(&Response::sample(404, body));
        assert_eq!(message, "The API answered with status 404: no such table", "{body}");
    }
}

#[test]
fn an_error_without_a_word_says_so() {
    for body in ["", "  \n"] {
        let message = refusal(&Response::sample(503, body));
        assert_eq!(message, "The API answered with status 503 and no explanation");
    }
}

#[test]
fn an_html_page_is_named_by_its_title_and_never_dumped() {
    let page = "<!DOCTYPE html>\n<html><TITLE lang=en>502\n  Bad Gateway</TITLE><body>x</body>";
    let expected = "The API answered with status 502: an HTML page titled \"502 Bad Gateway\"";
    assert_eq!(refusal(&Response::sample_of("text/html", 502, page)), expected);
    assert_eq!(refusal(&Response::sample_of("text/plain", 502, page)), expected);
    let untitled = refusal(&Response::sample_of("text/html; charset=utf-8", 502, "<p>secret</p>"));
    assert_eq!(untitled, "The API answered with status 502: an HTML page");
}

#[test]
fn a_long_message_is_cut_at_a_character() {
    let message = refusal(&Response::sample_of("text/plain", 500, "é".repeat(100_000)));
    assert_eq!(message.chars().filter(|&character| character == 'é').count(), 300);
    assert!(message.ends_with('…'));
}

#[test]
fn the_status_of_an_error_is_the_apis_own() {
    let message = "The API answered with status 429: slow down".to_owned();
    let expected = Refusal::Downstream(DownstreamError { status: 429, message });
    let response = Response::sample(429, r#"{"message":"slow down"}"#);
    assert_eq!(response.clone().success(), Err(expected.clone()));
    assert_eq!(response.json::<serde_json::Value>(), Err(expected));
    let read: serde_json::Value = response.json_of_any_status().unwrap();
    assert_eq!(read["message"], "slow down");
}

#[test]
fn one_failure_among_many_responses_is_the_answer() {
    let (good, bad) = (Response::sample(200, "1"), Response::sample(500, "broken"));
    let refusal = Responses::new(vec![good.clone(), bad.clone()]).successes();
    assert_eq!(refusal, Err(bad.refusal()));
    assert_eq!(Responses::new(vec![good.clone()]).successes(), Ok(vec![good]));
}

#[test]
fn a_round_of_one_request_has_one_response() {
    let refusal = Responses::new(Vec::new()).single();
    let text = "The guest wanted one response and got 0.";
    assert_eq!(refusal, Err(Refusal::Internal(text.to_owned())));
}

#[test]
fn a_failure_that_was_tolerated_can_still_be_refused() {
    let failure = Some(TransportFailure::Timeout("nothing came within 5 s".to_owned()));
    let response = Response { status: 0, headers: Vec::new(), body: Vec::new(), failure };
    let message = "The API did not answer in time: nothing came within 5 s".to_owned();
    let expected = Refusal::Downstream(DownstreamError { status: 504, message });
    assert_eq!(response.success(), Err(expected));
}

#[test]
fn a_document_of_another_shape_is_refused_with_the_place() {
    #[derive(Debug, Deserialize)]
    struct Row {
        #[expect(dead_code, reason = "only read")]
        value: f64,
    }
    let response = Response::sample(200, r#"[{"value":1},{"value":"high"}]"#);
    let text = unexpected(response.json::<Vec<Row>>());
    assert!(text.contains("invalid type: string \"high\", expected f64"), "{text}");
    assert!(text.contains("(in '[1].value')"), "{text}");
}

#[test]
fn half_a_document_and_no_document_are_told_apart() {
    let text = |body: &str| unexpected(Response::sample(200, body).json::<serde_json::Value>());
    let half = text(r#"{"a":[1,2"#);
    assert!(half.contains("EOF while parsing a list at line 1 column 9"), "{half}");
    assert!(half.contains(r#"9 bytes and begins with "{\"a\":[1,2""#), "{half}");
    assert!(text("").contains("an empty body"));
    assert!(text("{} trailing").contains("trailing characters"));
    assert!(text("<html><title>Sign in</title>").contains("an HTML page titled \"Sign in\""));
}

#[test]
fn a_byte_order_mark_before_the_document_is_ignored() {
    assert_eq!(Response::sample(200, "\u{feff}[1]").json(), Ok(vec![1]));
}

#[test]
fn a_body_that_is_no_text_is_refused_and_not_a_crash() {
    let mut response = Response::sample(200, "");
    response.body = vec![0xff, 0xfe, 0x00];
    assert!(unexpected(response.json::<serde_json::Value>()).contains("3 bytes"));
}
