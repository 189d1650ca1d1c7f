//! Tokens of a token server (RFC 6749, RFC 7523). The protocol is the crate oauth2's; what real servers get wrong is mended on the way
//! to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken,
    RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername, Scope, TokenResponse as _,
    TokenUrl,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::form_urlencoded::{self, Serializer};

use super::assertion::Assertion;
use super::error::TokenError;
use super::fetcher::{Answer, Fetcher};
use super::kept::Fetched;
use super::rotations::Rotation;
use super::{header_name, sensitive};
use crate::egress::error::Error;
use crate::egress::settings::{self, AuthStyle, Grant, SendAs, SettingsError};
use crate::model::Secret;

/// RFC 7523, section 2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What asks a token server.
pub(super) struct OAuth2 {
    given: settings::OAuth2,
    headers: Vec<(HeaderName, HeaderValue)>,
    assertion: Option<Assertion>,
    /// Where the refresh token is that is to be used next, if the server has given one.
    rotation: Option<Rotation>,
    /// Whether the server wants the client's credentials in the body, which is found out.
    in_body: AtomicBool,
    fetcher: Fetcher,
    /// How the token is sent.
    pub(super) send: SendAs,
}

impl OAuth2 {
    pub(super) fn new(given: &settings::OAuth2, fetcher: Fetcher) -> Result<Self, SettingsError> {
        let headers = given.headers.iter().map(|(name, value)| {
            let value = sensitive(value.expose(), "authentication.headers")?;
            Ok::<_, SettingsError>((header_name(name)?, value))
        });
        let assertion = match &given.grant {
            Grant::JwtBearer(assertion) => Some(Assertion::new(assertion)?),
            _ => None,
        };
        header_name(&given.send.header)?;
        Ok(Self {
            headers: headers.collect::<Result<_, _>>()?,
            assertion,
            rotation: match &given.grant {
                Grant::RefreshToken(first) => {
                    Some(Rotation::of(&given.token_url, &given.client_id, first))
                }
                _ => None,
            },
            in_body: AtomicBool::new(given.style == AuthStyle::Body),
            fetcher,
            send: given.send.clone(),
            given: given.clone(),
        })
    }

    /// Asks for a token. A server that does not take the client's credentials in the header is asked again with them in the body.
    pub(super) async fn fetch(&self, end: Instant) -> Result<Fetched<String>, Error> {
        let in_body = self.in_body.load(Ordering::Relaxed);
        let came = self.ask(in_body, end).await;
        let is_refused =
            matches!(came, Err(Error::Token(TokenError::Refused { status: 400 | 401, .. })));
        let may_differ = self.given.style == AuthStyle::Auto && self.given.client_secret.is_some();
        if !(is_refused && may_differ && !in_body) {
            return came;
        }
        match self.ask(true, end).await {
            Ok(fetched) => {
                self.in_body.store(true, Ordering::Relaxed);
                Ok(fetched)
            }
            // What it says of the usual way is more to the point.
            Err(_the_same) => came,
        }
    }

    async fn ask(&self, in_body: bool, end: Instant) -> Result<Fetched<String>, Error> {
        let came = match &self.assertion {
            Some(assertion) => self.ask_with_assertion(assertion, in_body, end).await,
            None => self.ask_by_crate(in_body, end).await,
        };
        let came = came.inspect_err(|error| self.forget(error))?;
        if let (Some(rotation), Some(token)) = (&self.rotation, came.refresh_token()) {
            rotation.remember(Secret::new(token.secret().clone()));
        }
        let value = came.access_token().secret().clone();
        Ok(Fetched { value, lifetime: came.expires_in() })
    }

    /// The refresh token that the server gave, if it gave one.
    pub(super) fn rotated(&self) -> Option<Secret> {
        self.rotation.as_ref().and_then(Rotation::latest)
    }

    /// A refresh token that the server does not take is of no more use. The next time is that of the first one, which the admin may have
    /// entered again.
    fn forget(&self, error: &Error) {
        let is_refused = matches!(error, Error::Token(TokenError::Refused { status: 400, .. }));
        if let Some(rotation) = self.rotation.as_ref().filter(|_rotation| is_refused) {
            rotation.forget();
        }
    }

    async fn ask_by_crate(&self, in_body: bool, end: Instant) -> Result<BasicTokenResponse, Error> {
        let settings::OAuth2 { token_url, client_id, client_secret, scopes, parameters, .. } =
            &self.given;
        let kind = if in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        let mut client = BasicClient::new(ClientId::new(client_id.clone()))
            .set_token_uri(TokenUrl::from_url(token_url.clone()))
            .set_auth_type(kind);
        if let Some(secret) = client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
        }
        let http = Way { oauth2: self, end };
        let scopes = scopes.iter().cloned().map(Scope::new);
        let parameters = parameters.iter();
        let parameters = parameters.map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let came = match &self.given.grant {
            Grant::Password { user, password } => {
                let user = ResourceOwnerUsername::new(user.clone());
                let password = ResourceOwnerPassword::new(password.expose().to_owned());
                let mut request = client.exchange_password(&user, &password).add_scopes(scopes);
                for (name, value) in parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
            Grant::RefreshToken(first) => {
                let rotated = self.rotated();
                let token = rotated.as_ref().unwrap_or(first).expose().to_owned();
                let token = RefreshToken::new(token);
                let mut request = client.exchange_refresh_token(&token).add_scopes(scopes);
                for (name, value) in parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
            Grant::ClientCredentials | Grant::JwtBearer(_) => {
                let mut request = client.exchange_client_credentials().add_scopes(scopes);
                for (name, value) in parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
        };
        came.map_err(|error| match error {
            RequestTokenError::Request(error) => error,
            // What comes here was put into order by `normal`, so that none of the others does.
            _ => self.unreadable("its answer has no token"),
        })
    }

    /// The crate has no such grant.
    async fn ask_with_assertion(
        &self,
        assertion: &Assertion,
        in_body: bool,
        end: Instant,
    ) -> Result<BasicTokenResponse, Error> {
        let response = self.send(self.with_assertion(assertion, in_body)?, end).await?;
        serde_json::from_slice(response.body())
            .map_err(|_no_token| self.unreadable("its answer has no token"))
    }

    fn with_assertion(&self, assertion: &Assertion, in_body: bool) -> Result<HttpRequest, Error> {
        let settings::OAuth2 { client_id, client_secret, scopes, parameters, .. } = &self.given;
        let scope = Some(scopes.join(" ")).filter(|scope| !scope.is_empty());
        let signed = assertion.sign(SystemTime::now(), scope.as_deref());
        let signed = signed.ok_or_else(|| self.unreadable("no assertion could be signed"))?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", JWT_BEARER).append_pair("assertion", &signed);
        if let Some(scope) = &scope {
            form.append_pair("scope", scope);
        }
        for (name, value) in parameters {
            form.append_pair(name, value.expose());
        }
        let mut request = http::Request::post(self.given.token_url.as_str());
        match (client_secret, in_body) {
            (Some(secret), false) => {
                let encode = |text: &str| {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
                };
                let pair = format!("{}:{}", encode(client_id), encode(secret.expose()));
                let pair = STANDARD.encode(pair);
                request = request.header("authorization", format!("Basic {pair}"));
            }
            (Some(secret), true) => {
                form.append_pair("client_id", client_id);
                form.append_pair("client_secret", secret.expose());
            }
            (None, _) if !client_id.is_empty() => {
                form.append_pair("client_id", client_id);
            }
            (None, _) => {}
        }
        let request = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form.finish().into_bytes());
        request.map_err(|_no_request| self.unreadable("it cannot be asked"))
    }

    /// Sends a token request; an answer without success is an error by itself.
    async fn send(&self, request: HttpRequest, end: Instant) -> Result<HttpResponse, Error> {
        let mut request = reqwest::Request::try_from(request)
            .map_err(|_no_request| self.unreadable("it cannot be asked"))?;
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let answer = self.fetcher.send(request, end).await?;
        if !answer.status.is_success() {
            return Err(answer.refusal());
        }
        let body = normal(&answer)?;
        let mut response = HttpResponse::new(body);
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        *response.status_mut() = StatusCode::OK;
        Ok(response)
    }

    fn unreadable(&self, cause: &str) -> Error {
        let url = &self.given.token_url;
        let endpoint = crate::egress::policy::origin(url) + url.path();
        TokenError::Unreadable { endpoint, cause: cause.to_owned() }.into()
    }
}

/// The crate's way to a token server: ours.
struct Way<'a> {
    oauth2: &'a OAuth2,
    end: Instant,
}

impl<'c> AsyncHttpClient<'c> for Way<'_> {
    type Error = Error;
    type Future = BoxFuture<'c, Result<HttpResponse, Error>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.oauth2.send(request, self.end))
    }
}

/// A token server's answer as RFC 6749, section 5.1, has it, made of what it sent: forms for JSON, numbers as texts, no type.
fn normal(answer: &Answer) -> Result<Vec<u8>, Error> {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let form = || -> serde_json::Map<String, Value> {
        let pairs = form_urlencoded::parse(&answer.body).into_owned();
        pairs.map(|(name, value)| (name, Value::String(value))).collect()
    };
    let members = match json {
        Some(Value::Object(members)) => members,
        Some(_) => serde_json::Map::new(),
        None => form(),
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let Some(token) = text("access_token") else {
        // Some answer with an error and status 200.
        if members.contains_key("error") {
            return Err(answer.refusal_of(StatusCode::BAD_REQUEST));
        }
        let cause = "its answer has no access_token".to_owned();
        return Err(TokenError::Unreadable { endpoint: answer.endpoint.clone(), cause }.into());
    };
    let seconds = members.get("expires_in").and_then(|value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    });
    let seconds = seconds.filter(|seconds| *seconds > 0.0).map(|seconds| seconds as u64);
    let mut normal = json!({ "access_token": token, "token_type": "bearer" });
    if let Some(seconds) = seconds {
        normal["expires_in"] = seconds.into();
    }
    if let Some(refresh) = text("refresh_token") {
        normal["refresh_token"] = refresh.into();
    }
    Ok(normal.to_string().into_bytes())
}
