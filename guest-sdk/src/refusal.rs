//! The words of a refusal: what was wrong with a JSON document, and what an API's error response
//! says.

use std::borrow::Cow;

use serde_json::Value;

use crate::{Refusal, Response, TransportFailure};

#[cfg(test)]
mod tests;

/// How many characters of an API's own message a user is shown: a message is a sentence or two,
/// anything longer is a dump.
const MESSAGE_CHARACTERS: usize = 300;

/// How many characters tell one kind of body from another.
const BEGINNING_CHARACTERS: usize = 60;

/// How much of a body is looked at for its message. An error of more than this is no error but a
/// page, or data.
const ERROR_BODY_BYTES: usize = 64 << 10;

/// The members of a JSON error that hold its message by one convention or another, the most telling
/// first: `detail` and `title` are RFC 9457's, `error_description` is RFC 6749's, `reason` is that
/// of search engines.
const MESSAGE_MEMBERS: [&str; 10] = [
    "message",
    "error_description",
    "detail",
    "error",
    "errors",
    "reason",
    "description",
    "msg",
    "title",
    "error_message",
];

/// How deep a message may hide: `{"errors":[{"error":{"message":"…"}}]}` is the deepest convention
/// known.
const MESSAGE_DEPTH: u32 = 6;

/// A JSON error in words: what is wrong, at which place of the text, in which member.
pub(crate) fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    with_member(error.inner().to_string(), error)
}

/// The same without the place, for a text that the user never sees.
pub(crate) fn explain_without_place(
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> String {
    let problem = error.inner().to_string();
    let place = problem.rfind(" at line ").filter(|_place| error.inner().line() > 0);
    with_member(problem[..place.unwrap_or(problem.len())].to_owned(), error)
}

fn with_member(problem: String, error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let path = error.path().to_string();
    if path == "." { problem } else { format!("{problem} (in '{path}')") }
}

/// A body that should have been JSON of some shape and is not.
pub(crate) fn not_json(response: &Response, problem: &str) -> Refusal {
    let status = response.status;
    Refusal::UnexpectedResponse(if response.body.is_empty() {
        format!("The API answered with status {status} and an empty body.")
    } else if let Some(page) = html_page(response) {
        format!(
            "The API answered with status {status} and {page} instead of data. Is the URL right?"
        )
    } else {
        let begin = excerpt(beginning(&response.body).trim_start(), BEGINNING_CHARACTERS);
        let length = response.body.len();
        format!(
            "The API answered with status {status} and a body that this guest cannot read: \
             {problem}. The body has {length} bytes and begins with {begin:?}."
        )
    })
}

/// A tolerated failure that the guest cannot do without after all: a gateway's statuses (RFC 9110,
/// sections 15.6.3 and 15.6.5).
pub(crate) fn no_response(failure: &TransportFailure) -> Refusal {
    let (status, message) = match failure {
        TransportFailure::Unreachable(text) => (502, format!("The API cannot be reached: {text}")),
        TransportFailure::Timeout(text) => (504, format!("The API did not answer in time: {text}")),
        TransportFailure::Tls(text) => {
            (502, format!("The API's certificate is not acceptable: {text}"))
        }
        TransportFailure::Broken(text) => (502, format!("The API's answer is broken: {text}")),
    };
    Refusal::downstream(status, message)
}

/// What an error response says about itself.
pub(crate) fn api_message(response: &Response) -> String {
    let own = serde_json::from_slice::<Value>(&response.body)
        .ok()
        .and_then(|body| json_message(&body, MESSAGE_DEPTH))
        .or_else(|| html_page(response))
        .unwrap_or_else(|| excerpt(beginning(&response.body).trim(), MESSAGE_CHARACTERS));
    if own.is_empty() {
        format!("The API answered with status {} and no explanation", response.status)
    } else {
        format!("The API answered with status {}: {own}", response.status)
    }
}

/// The message in a JSON error, where the usual conventions put it.
fn json_message(body: &Value, depth: u32) -> Option<String> {
    let deeper = depth.checked_sub(1)?;
    match body {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(excerpt(text.trim(), MESSAGE_CHARACTERS)),
        Value::Array(items) => items.iter().find_map(|item| json_message(item, deeper)),
        Value::Object(members) => MESSAGE_MEMBERS
            .iter()
            .filter_map(|name| members.get(*name))
            .find_map(|member| json_message(member, deeper)),
        _ => None,
    }
}

/// An HTML page is never shown; its title says enough.
fn html_page(response: &Response) -> Option<String> {
    let text = beginning(&response.body);
    // ASCII lower case keeps every byte where it is, so that positions hold in both texts.
    let lower = text.to_ascii_lowercase();
    let start = lower.trim_start();
    let declared = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let is_html = ["text/html", "application/xhtml"].iter().any(|kind| declared.starts_with(kind))
        || ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| start.starts_with(tag));
    let title = || {
        let (_, rest) = lower.split_once("<title")?;
        let (_, rest) = rest.split_once('>')?;
        let (title, _) = rest.split_once("</title")?;
        let position = lower.len() - rest.len();
        let title = text.get(position..position + title.len())?;
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        (!title.is_empty()).then(|| excerpt(&title, MESSAGE_CHARACTERS))
    };
    is_html.then(|| match title() {
        Some(title) => format!("an HTML page titled {title:?}"),
        None => "an HTML page".to_owned(),
    })
}

/// The beginning of a body, as text.
fn beginning(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body.get(..ERROR_BODY_BYTES).unwrap_or(body))
}

/// The beginning of a text, cut at a character.
fn excerpt(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
