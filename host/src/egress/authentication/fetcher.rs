//! Small requests of the host's own: to token servers, and to an API that gives tokens.

use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::error::TokenError;
use crate::egress::client::{Alone, failure};
use crate::egress::error::{Bound, Error, Phase};
use crate::egress::policy::{Refusal, origin, printable};
use crate::limits::TOKEN_ANSWER_BYTES_MAX;

/// What sends them.
pub(super) struct Fetcher(Alone);

/// An answer, whole.
pub(super) struct Answer {
    pub(super) endpoint: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Fetcher {
    /// One by this client, which follows no redirect.
    pub(super) fn new(client: Alone) -> Self {
        Self(client)
    }

    /// Sends a request and reads the answer, before `end`.
    pub(super) async fn send(
        &self,
        request: reqwest::Request,
        end: Instant,
    ) -> Result<Answer, Error> {
        let (url, start) = (request.url().clone(), Instant::now());
        let endpoint = endpoint(&url);
        let late = |phase| {
            let (endpoint, after) = (endpoint.clone(), start.elapsed());
            Error::TimedOut { endpoint, after, phase, bound: Bound::Query }
        };
        let sent = timeout_at(end, self.0.execute(request)).await;
        let sent = sent.map_err(|_elapsed| late(Phase::Response))?;
        let mut response = sent.map_err(|error| match failure::refused_address(&error) {
            Some(refused) => {
                Refusal::of_name(refused.clone(), &url).blamed("host", endpoint.clone())
            }
            None => failure::of_request(endpoint.clone(), &url, &error, start.elapsed()),
        })?;
        let mut body = Vec::new();
        loop {
            let chunk = timeout_at(end, response.chunk()).await;
            match chunk.map_err(|_elapsed| late(Phase::Body))? {
                Ok(Some(chunk)) if body.len() + chunk.len() <= TOKEN_ANSWER_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_too_much)) => {
                    let cause = "its answer is far longer than a token".to_owned();
                    return Err(TokenError::Unreadable { endpoint, cause }.into());
                }
                Ok(None) => break,
                Err(error) => return Err(failure::of_body(endpoint, &error, body.len(), None)),
            }
        }
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { endpoint, status, headers, body })
    }
}

impl Answer {
    /// The error that an answer without success stands for: the admin's to mend if the server says that the request is wrong.
    pub(super) fn refusal(&self) -> Error {
        self.refusal_of(self.status)
    }

    /// The same, as if the answer had this status.
    pub(super) fn refusal_of(&self, status: StatusCode) -> Error {
        let (endpoint, said, status) = (self.endpoint.clone(), self.said(), status.as_u16());
        match status {
            400..=499 if status != 429 && status != 408 => {
                TokenError::Refused { endpoint, status, said }.into()
            }
            _ => {
                let cause = format!("it answered with status {status}{said}");
                TokenError::Unreadable { endpoint, cause }.into()
            }
        }
    }

    /// What a server says of an error: RFC 6749's members, else the beginning of its text. It reads as the end of a sentence.
    fn said(&self) -> String {
        let json: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let member =
            |name: &str| json.as_ref().and_then(|json| json.get(name)?.as_str()).map(printable);
        let said = match (member("error"), member("error_description")) {
            (Some(error), Some(description)) => format!("{error}: {description}"),
            (Some(error), None) => error,
            _ => member("message").unwrap_or_else(|| {
                let text = String::from_utf8_lossy(&self.body);
                let is_page = text.trim_start().starts_with('<');
                if is_page { String::new() } else { printable(text.trim()) }
            }),
        };
        if said.is_empty() { said } else { format!(" ({said})") }
    }
}

/// A URL as errors show it: without query.
fn endpoint(url: &Url) -> String {
    origin(url) + url.path()
}
