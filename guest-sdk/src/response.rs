//! Reading responses, with the refusals that a guest would have to write otherwise.

use serde::Deserialize;

use crate::json;
use crate::refusal::{api_message, explain, no_response, not_json};
use crate::{
    Diagnosis, DownstreamError, Fetch, Header, Refusal, Reply, ResourceResponse, Response, Verdict,
};

/// The responses of a round, in the order of its requests.
#[derive(Clone, Debug)]
pub struct Responses(Vec<Response>);

impl Responses {
    /// Wraps responses; for tests of a guest.
    pub fn new(responses: Vec<Response>) -> Self {
        Self(responses)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The responses, if each has a status of success.
    ///
    /// # Errors
    /// The API's own error for the first that is not a success, see [`Response::success`].
    pub fn successes(self) -> Result<Vec<Response>, Refusal> {
        self.0.into_iter().map(Response::success).collect()
    }

    /// The response of a round of one request, if its status is a success.
    ///
    /// # Errors
    /// The API's own error if it is not a success, see [`Response::success`].
    pub fn single(self) -> Result<Response, Refusal> {
        let count = self.0.len();
        match <[Response; 1]>::try_from(self.0) {
            Ok([response]) => response.success(),
            Err(_other) => {
                Err(Refusal::Internal(format!("The guest wanted one response and got {count}.")))
            }
        }
    }
}

impl IntoIterator for Responses {
    type Item = Response;
    type IntoIter = std::vec::IntoIter<Response>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Refusal {
    /// An error that the API reported, such as one that it hides in a body of status 200. Outside
    /// 400 to 599 the status becomes 502.
    pub fn downstream(status: u16, message: impl Into<String>) -> Self {
        Self::Downstream(DownstreamError { status, message: message.into() })
    }
}

impl Response {
    /// The value of the first header field with this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|header| header.name == name)?;
        Some(&header.value)
    }

    /// This response, if its status is 200 to 299.
    ///
    /// # Errors
    /// [`Refusal::Downstream`] with the API's own message and status, see [`Response::refusal`].
    pub fn success(self) -> Result<Self, Refusal> {
        if self.is_success() { Ok(self) } else { Err(self.refusal()) }
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What to tell the user about a response that is not a success: the API's own message where
    /// its body has one in one of the usual places of a JSON error, short plain text as it is, of
    /// an HTML page the title.
    pub fn refusal(&self) -> Refusal {
        if let Some(failure) = &self.failure {
            return no_response(failure);
        }
        Refusal::downstream(self.status, api_message(self))
    }

    /// The body of a success as one JSON document. `T` may borrow from the body.
    ///
    /// # Errors
    /// [`Response::refusal`] if the status is not 200 to 299. [`Refusal::UnexpectedResponse`] that
    /// says where the document is not what `T` expects, or what was found instead: a document that
    /// ends too soon, an HTML page.
    pub fn json<'body, T: Deserialize<'body>>(&'body self) -> Result<T, Refusal> {
        if self.is_success() { self.json_of_any_status() } else { Err(self.refusal()) }
    }

    /// The body as one JSON document, whatever the status: for an API whose errors are JSON that
    /// the guest wants to read itself.
    ///
    /// # Errors
    /// [`Refusal::UnexpectedResponse`] as for [`Response::json`].
    pub fn json_of_any_status<'body, T: Deserialize<'body>>(&'body self) -> Result<T, Refusal> {
        // Some servers begin with a byte order mark, which a reader may ignore (RFC 8259, section 8.1).
        let body = self.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.body);
        if let Some(document) = json::read(body) {
            return Ok(document);
        }
        // Once more, slower: as serde_json reads it, which has a sentence for what is wrong, and
        // with the place in the document.
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let located = serde_path_to_error::deserialize(&mut deserializer);
        let document = located.map_err(|located| not_json(self, &explain(&located)))?;
        deserializer.end().map_err(|error| not_json(self, &error.to_string()))?;
        Ok(document)
    }

    /// The body as text. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl Diagnosis {
    /// The data source works.
    pub fn healthy(message: impl Into<String>) -> Self {
        Self { healthy: true, message: message.into(), details: None }
    }

    /// The data source does not work.
    pub fn unhealthy(message: impl Into<String>) -> Self {
        Self { healthy: false, message: message.into(), details: None }
    }

    /// More, for those who look: a JSON object as text.
    #[must_use]
    pub fn details(mut self, object: impl ToString) -> Self {
        self.details = Some(object.to_string());
        self
    }
}

impl From<Diagnosis> for Verdict {
    fn from(diagnosis: Diagnosis) -> Self {
        Self::Done(diagnosis)
    }
}

impl From<Fetch> for Verdict {
    fn from(fetch: Fetch) -> Self {
        Self::Next(fetch)
    }
}

impl ResourceResponse {
    /// A JSON document with status 200.
    pub fn json(document: impl ToString) -> Self {
        let content_type =
            Header { name: "content-type".to_owned(), value: "application/json".to_owned() };
        Self { status: 200, headers: vec![content_type], body: document.to_string().into_bytes() }
    }
}

impl From<ResourceResponse> for Reply {
    fn from(response: ResourceResponse) -> Self {
        Self::Done(response)
    }
}

impl From<Fetch> for Reply {
    fn from(fetch: Fetch) -> Self {
        Self::Next(fetch)
    }
}
