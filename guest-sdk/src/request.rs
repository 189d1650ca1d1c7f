//! Builders for requests.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Body, Fetch, Header, Hints, Method, Parameter, Refusal, Request};

/// What may stand unencoded in a path segment: RFC 3986 section 3.3's unreserved characters.
/// Encoding more than needed is harmless, less is not.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes one path segment, so that a name with `/`, `?` or spaces stays one segment.
///
/// No URL can hold a segment that is named `.` or `..`, not even percent-encoded (URL Standard, section
/// 4.1): the host refuses a request that climbs.
pub fn encode_segment(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

/// A path from its segments, each percent-encoded: `path!["api", "things", thing]` is
/// `/api/things/…`.
#[macro_export]
macro_rules! path {
    ($($segment:expr),+ $(,)?) => {{
        let mut path = String::new();
        $(
            path.push('/');
            path.push_str(&$crate::encode_segment($segment.as_ref()));
        )+
        path
    }};
}

impl Request {
    /// A request to a path below the data source's URL, or to an absolute URL.
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            parameters: Vec::new(),
            headers: Vec::new(),
            body: None,
            hints: Hints {
                cache_for: None,
                idempotent: matches!(method, Method::Get | Method::Head),
                timeout: None,
                tolerate_failure: false,
            },
        }
    }

    /// A GET request.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::Get, target)
    }

    /// A POST request.
    pub fn post(target: impl Into<String>) -> Self {
        Self::new(Method::Post, target)
    }

    /// Adds a query parameter. The host encodes it.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl ToString) -> Self {
        self.parameters.push((name, value).into());
        self
    }

    /// Adds a query parameter once for each value.
    #[must_use]
    pub fn parameters<V: ToString>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        for value in values {
            self = self.parameter(name, value);
        }
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.to_owned(), value: value.into() });
        self
    }

    /// Sends form fields as the body: `[("query", "up")]`. The host encodes them.
    #[must_use]
    pub fn form(mut self, fields: impl IntoIterator<Item = impl Into<Parameter>>) -> Self {
        self.body = Some(Body::Form(fields.into_iter().map(Into::into).collect()));
        self
    }

    /// Sends a JSON document as the body.
    #[must_use]
    pub fn json(mut self, document: impl ToString) -> Self {
        self.body = Some(Body::Json(document.to_string()));
        self
    }

    /// Says that sending the request twice does no harm, although it is not a GET.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.hints.idempotent = true;
        self
    }

    /// Lets the host serve the response again for this long.
    #[must_use]
    pub fn cache_for(mut self, time: Duration) -> Self {
        self.hints.cache_for = Some(nanoseconds(time));
        self
    }

    /// Gives up after this long, if the data source's own timeout is not sooner.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.hints.timeout = Some(nanoseconds(time));
        self
    }

    /// Wants a transport failure as [`Response::failure`](crate::Response) instead of failing the
    /// query.
    #[must_use]
    pub fn tolerate_failure(mut self) -> Self {
        self.hints.tolerate_failure = true;
        self
    }
}

/// A placeholder for a secret, `{{secret:name}}`, to be put into a header, a parameter, a path, or a
/// body of text, JSON or form fields. The host puts the secret there; a guest never sees it.
pub fn secret(name: &str) -> String {
    format!("{{{{secret:{name}}}}}")
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads the state that [`Fetch::json_state`] wrote.
///
/// # Errors
/// [`Refusal::Internal`] if the state is not of that type.
pub fn read_state<T: DeserializeOwned>(state: &str) -> Result<T, Refusal> {
    serde_json::from_str(state).map_err(|error| {
        Refusal::Internal(format!("The guest cannot read its own state: {error}."))
    })
}

impl<N: Into<String>, V: ToString> From<(N, V)> for Parameter {
    fn from((name, value): (N, V)) -> Self {
        Self { name: name.into(), value: value.to_string() }
    }
}

impl Fetch {
    /// A round of these requests, without state. No request at all is allowed: the next half is
    /// then called at once.
    pub fn new(requests: Vec<Request>) -> Self {
        Self { requests, state: String::new() }
    }

    /// What the next half must know about the round: it is given this text. At most 1 MiB; no user
    /// sees it.
    #[must_use]
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = state.into();
        self
    }

    /// The same for a value of any type, as JSON; [`read_state`] reads it.
    ///
    /// # Errors
    /// [`Refusal::Internal`] if the value cannot be JSON, such as a map whose keys are not texts.
    pub fn json_state(self, state: &impl Serialize) -> Result<Self, Refusal> {
        let problem =
            |error| Refusal::Internal(format!("The guest's state cannot be JSON: {error}."));
        Ok(self.state(serde_json::to_string(state).map_err(problem)?))
    }
}

impl Default for Fetch {
    /// A round without requests: there is nothing to ask.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl From<Request> for Fetch {
    fn from(request: Request) -> Self {
        Self::new(vec![request])
    }
}

impl From<Vec<Request>> for Fetch {
    fn from(requests: Vec<Request>) -> Self {
        Self::new(requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments_stay_segments() {
        assert_eq!(
            path!["api", "a/b?c d#e", "ü", String::from("x_1")],
            "/api/a%2Fb%3Fc%20d%23e/%C3%BC/x_1"
        );
    }

    #[test]
    fn form_fields_may_be_pairs_or_parameters() {
        let pairs = Request::post("/q").form([("query", "up"), ("limit", "5")]);
        let parameters = vec![Parameter::from(("query", "up")), Parameter::from(("limit", 5))];
        assert_eq!(pairs.body, Some(Body::Form(parameters.clone())));
        assert_eq!(pairs, Request::post("/q").form(parameters));
    }

    #[test]
    fn only_reading_is_idempotent_unless_the_guest_says_more() {
        assert!(Request::get("/").hints.idempotent);
        assert!(!Request::post("/").hints.idempotent);
        assert!(Request::post("/").idempotent().hints.idempotent);
    }

    #[test]
    fn a_state_comes_back_as_it_was() {
        let fetch = Fetch::default().json_state(&("page", 2)).unwrap();
        assert_eq!(read_state(&fetch.state), Ok(("page".to_owned(), 2)));
        assert!(matches!(read_state::<u8>(&fetch.state), Err(Refusal::Internal(_))));
    }
}
