//! Keys for a while, from AWS's Security Token Service: for a role, or for the token of a web identity.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;
use url::form_urlencoded::Serializer;

use super::error::TokenError;
use super::fetcher::{Answer, Fetcher};
use super::kept::Fetched;
use super::sigv4::{credentials, signature};
use crate::egress::error::Error;
use crate::egress::policy::printable;
use crate::egress::settings::{AwsKeys, Role, SigV4};

/// The version of STS's interface.
const VERSION: &str = "2011-06-15";
/// How sessions are called in AWS's own logs.
const SESSION: &str = "graft";

/// What asks it.
pub(super) struct Sts {
    given: SigV4,
    fetcher: Fetcher,
}

/// What STS answers: one of two names around the same.
#[derive(Deserialize)]
struct Response {
    #[serde(rename = "AssumeRoleResult", alias = "AssumeRoleWithWebIdentityResult")]
    result: Assumed,
}

#[derive(Deserialize)]
struct Assumed {
    #[serde(rename = "Credentials")]
    credentials: Keys,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: String,
}

#[derive(Deserialize)]
struct ErrorResponse {
    #[serde(rename = "Error")]
    error: Said,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    code: String,
    #[serde(default)]
    message: String,
}

impl Sts {
    pub(super) fn new(given: SigV4, fetcher: Fetcher) -> Self {
        Self { given, fetcher }
    }

    /// Asks for keys.
    pub(super) async fn fetch(
        &self,
        end: Instant,
        now: SystemTime,
    ) -> Result<Fetched<Credentials>, Error> {
        let mut headers = HeaderMap::new();
        let url_encoded = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, url_encoded);
        let body = match &self.given.keys {
            AwsKeys::WebIdentity { file } => {
                let token = tokio::fs::read_to_string(file).await;
                let token = token.map_err(|error| TokenError::File { cause: error.to_string() })?;
                self.form("AssumeRoleWithWebIdentity", Some(token.trim()))
            }
            AwsKeys::Keys { id, secret, session_token } => {
                let body = self.form("AssumeRole", None);
                let session_token = session_token.as_ref().map(|token| token.expose().to_owned());
                let keys = credentials(id.expose(), secret.expose(), session_token);
                let SigV4 { sts_url, region, .. } = &self.given;
                let bytes = body.as_bytes();
                let signed =
                    signature("POST", sts_url, &headers, bytes, &keys, region, "sts", now)?;
                headers.extend(signed);
                body
            }
        };
        headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
        let mut request = reqwest::Request::new(Method::POST, self.given.sts_url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        read(&self.fetcher.send(request, end).await?, now)
    }

    fn form(&self, action: &str, token: Option<&str>) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", VERSION);
        if let Some(Role { arn, external_id }) = &self.given.role {
            form.append_pair("RoleArn", arn).append_pair("RoleSessionName", SESSION);
            if !external_id.is_empty() {
                form.append_pair("ExternalId", external_id);
            }
        }
        if let Some(token) = token {
            form.append_pair("WebIdentityToken", token);
        }
        form.finish()
    }
}

fn read(answer: &Answer, now: SystemTime) -> Result<Fetched<Credentials>, Error> {
    let text = String::from_utf8_lossy(&answer.body);
    let endpoint = || answer.endpoint.clone();
    if answer.status != StatusCode::OK {
        let said = quick_xml::de::from_str::<ErrorResponse>(&text).ok();
        let Some(ErrorResponse { error: Said { code, message } }) = said else {
            return Err(answer.refusal());
        };
        let said = format!(" ({}: {})", printable(&code), printable(&message));
        return Err(TokenError::Refused {
            endpoint: endpoint(),
            status: answer.status.as_u16(),
            said,
        }
        .into());
    }
    let unreadable =
        |cause: &str| TokenError::Unreadable { endpoint: endpoint(), cause: cause.to_owned() };
    let response: Response =
        quick_xml::de::from_str(&text).map_err(|_xml| unreadable("its answer has no keys"))?;
    let Keys { access_key_id, secret_access_key, session_token, expiration } =
        response.result.credentials;
    let until = humantime::parse_rfc3339_weak(expiration.trim())
        .map_err(|_date| unreadable("its keys have no time"))?;
    let lifetime: Duration = until.duration_since(now).unwrap_or_default();
    let value = credentials(&access_key_id, &secret_access_key, Some(session_token));
    Ok(Fetched { value, lifetime: Some(lifetime) })
}
