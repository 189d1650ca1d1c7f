//! Queries of several rounds: pages by link, cursor, offset or number, calls that need what another
//! found, and jobs that take their time.
//!
//! Each helper gives the next round, or none after the last, and keeps what it has to know in the
//! round's state; [`Outcome::then_maybe`](crate::Outcome::then_maybe) takes it. The host bounds
//! rounds, requests, bytes and time. If a later page cannot be had, a dashboard shows the pages
//! before it with a warning, and an alert rule fails.
//!
//! ```
//! # use graft_guest::*;
//! # use serde::Deserialize;
//! # #[derive(Deserialize)] struct Page { rows: Vec<f64>, next: Option<String> }
//! fn rows() -> Request {
//!     Request::get("/rows").parameter("limit", 100)
//! }
//!
//! fn transform(responses: Responses, state: &str) -> Result<Outcome, Refusal> {
//!     let page: Page = responses.single()?.json()?;
//!     let frame = Frame::new(Kind::Table).page_key("rows").field(Field::new("value", page.rows));
//!     let next = rounds::cursor(state, page.next, |cursor| rows().parameter("after", cursor))?;
//!     Ok(Outcome::from(frame).then_maybe(next))
//! }
//! # let answer = |json| Responses::new(vec![Response::sample(200, json)]);
//! # let first = transform(answer(r#"{"rows": [1], "next": "b"}"#), "")?.next.unwrap();
//! # assert_eq!(first.requests[0].parameters[1].value, "b");
//! # let last = transform(answer(r#"{"rows": [2], "next": null}"#), &first.state)?;
//! # assert_eq!(last.next, None);
//! # Ok::<(), Refusal>(())
//! ```
//!
//! Calls that need what another found take nothing but a state that tells the rounds apart:
//!
//! ```
//! # use graft_guest::*;
//! fn transform(responses: Responses, state: &str) -> Result<Outcome, Refusal> {
//!     if state == "details" {
//!         let names: Vec<String> =
//!             responses.successes()?.iter().map(Response::json).collect::<Result<_, _>>()?;
//!         return Ok(Frame::new(Kind::Table).field(Field::new("name", names)).into());
//!     }
//!     let ids: Vec<String> = responses.single()?.json()?;
//!     let details = ids.iter().map(|id| Request::get(path!["things", id]));
//!     Ok(Fetch::new(details.collect()).state("details").into())
//! }
//! # let first = transform(Responses::new(vec![Response::sample(200, r#"["a", "b"]"#)]), "")?;
//! # assert_eq!(first.next.unwrap().requests.len(), 2);
//! # Ok::<(), Refusal>(())
//! ```

mod job;
mod link_header;
#[cfg(test)]
mod tests;

use fluent_uri::{Uri, UriRef};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::{Configured, Fetch, Refusal, Request, Response};
pub use job::Job;

/// What APIs leave in a link that no URI may hold (RFC 3986, section 2).
const NOT_OF_URIS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The next page of an API that gives a cursor with each page; `request` asks with one. No cursor,
/// or an empty one, is the end.
///
/// # Errors
/// [`Refusal::UnexpectedResponse`] if a page gives the cursor that it was asked with: there would be
/// no end.
pub fn cursor<F: Into<Fetch>>(
    state: &str,
    cursor: Option<impl ToString>,
    request: impl FnOnce(&str) -> F,
) -> Result<Option<Fetch>, Refusal> {
    let cursor = cursor.map(|cursor| cursor.to_string()).filter(|cursor| !cursor.is_empty());
    let Some(cursor) = cursor else { return Ok(None) };
    if cursor == state {
        return Err(circle("cursor"));
    }
    refuse_placeholder(&cursor)?;
    Ok(Some(request(&cursor).into().state(cursor)))
}

/// The next page of an API that is asked by offset; `got` is how many items this page has, and
/// `more` whether there is another, such as `items.len() == LIMIT`. A page without items is the
/// last, whatever `more` says, so that `true` asks until a page is empty.
///
/// # Errors
/// [`Refusal::Internal`] if the state is not that of this helper.
pub fn offset<F: Into<Fetch>>(
    state: &str,
    got: usize,
    more: bool,
    request: impl FnOnce(u64) -> F,
) -> Result<Option<Fetch>, Refusal> {
    let so_far: u64 = number(state, 0)?;
    if got == 0 || !more {
        return Ok(None);
    }
    let offset = so_far.saturating_add(got as u64);
    Ok(Some(request(offset).into().state(offset.to_string())))
}

/// The next page of an API that is asked by number; `first` is the number of the page that comes
/// without asking for one, 0 or 1. `more` says whether there is another: the API says so itself,
/// this one is full, or not empty.
///
/// # Errors
/// [`Refusal::Internal`] if the state is not that of this helper.
pub fn page<F: Into<Fetch>>(
    state: &str,
    first: u64,
    more: bool,
    request: impl FnOnce(u64) -> F,
) -> Result<Option<Fetch>, Refusal> {
    let next = number(state, first)?.saturating_add(1);
    Ok(more.then(|| request(next).into().state(next.to_string())))
}

/// The next page of an API that gives a link to it: a URL, or one that is relative to that of this
/// page. No link, or an empty one, is the end. `first` is the request of the first page; the next
/// has its header fields and wishes, and of its own the link, with all parameters in it.
///
/// [`next_of_header`] finds the link in a header.
///
/// # Errors
/// [`Refusal::UnexpectedResponse`] if the link is none, or leads to the page that it is on.
pub fn link<S>(
    state: &str,
    datasource: &Configured<S>,
    first: Request,
    link: Option<&str>,
) -> Result<Option<Fetch>, Refusal> {
    let Some(link) = link.map(str::trim).filter(|link| !link.is_empty()) else { return Ok(None) };
    let is_absolute =
        |target: &str| target.starts_with("http://") || target.starts_with("https://");
    let absolute = |target: &str| match is_absolute(target) {
        true => target.to_owned(),
        false => {
            format!("{}/{}", datasource.url.trim_end_matches('/'), target.trim_start_matches('/'))
        }
    };
    let page = if state.is_empty() { absolute(&first.target) } else { state.to_owned() };
    let next = resolved(&page, link).ok_or_else(|| {
        let link: String = link.chars().take(200).collect();
        Refusal::UnexpectedResponse(format!(
            "The API links to its next page by {link:?}, which is not a URL."
        ))
    })?;
    let next = of_own_host(datasource.url.trim_end_matches('/'), next)?;
    if next == state {
        return Err(circle("link"));
    }
    refuse_placeholder(&next)?;
    let next_page = Request { target: next.clone(), parameters: Vec::new(), ..first };
    Ok(Some(Fetch::from(next_page).state(next)))
}

/// A link as the host lets it through. An API behind a proxy that does TLS may not know that it is asked by https.
fn of_own_host(base: &str, link: String) -> Result<String, Refusal> {
    let parts = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        Some((scheme.to_owned(), authority))
    };
    let (Some((own_scheme, own)), Some((scheme, authority))) = (parts(base), parts(&link)) else {
        return Ok(link);
    };
    if own != authority {
        return Ok(link);
    }
    let link = match (own_scheme.as_str(), scheme.as_str()) {
        ("https", "http") => link.replacen("http", "https", 1),
        _ => link,
    };
    let rest = link.strip_prefix(base);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
        return Ok(link);
    }
    let link: String = link.chars().take(200).collect();
    Err(Refusal::UnexpectedResponse(format!(
        "The API links to its next page by {link:?}, which is not below the data source's URL."
    )))
}

/// What an API says must not stand for a secret in the next request.
fn refuse_placeholder(text: &str) -> Result<(), Refusal> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("{{secret:") || lower.contains("%7b%7bsecret:") {
        let problem = "The API names a placeholder for a secret as its next page.".to_owned();
        return Err(Refusal::UnexpectedResponse(problem));
    }
    Ok(())
}

/// The link to the next page in a response's `Link` header fields (RFC 8288), for [`link`].
pub fn next_of_header(response: &Response) -> Option<&str> {
    let mut fields = response.headers.iter().filter(|header| header.name == "link");
    fields.find_map(|field| link_header::target(&field.value, "next"))
}

/// A link as an absolute URL, without a fragment.
fn resolved(page: &str, link: &str) -> Option<String> {
    let base = Uri::parse(encoded(page)).ok()?;
    let reference = UriRef::parse(encoded(link)).ok()?;
    let mut url = reference.resolve_against(&base.strip_fragment()).ok()?;
    url.set_fragment(None);
    Some(url.into_string())
}

/// A link with what no URI may hold encoded; of brackets those behind the host's.
fn encoded(link: &str) -> String {
    let encoded = utf8_percent_encode(link, NOT_OF_URIS).to_string();
    let (before, query) = encoded.split_once('?').unwrap_or((&encoded, ""));
    if query.contains(['[', ']']) {
        return format!("{before}?{}", query.replace('[', "%5B").replace(']', "%5D"));
    }
    encoded
}

fn number(state: &str, first: u64) -> Result<u64, Refusal> {
    match state {
        "" => Ok(first),
        number => number.parse().map_err(|_other| {
            Refusal::Internal(format!("The guest's state {number:?} is not that of its pages."))
        }),
    }
}

fn circle(what: &str) -> Refusal {
    Refusal::UnexpectedResponse(format!(
        "The API gives its pages in a circle: the {what} to the next page is the one of this page."
    ))
}
