//! Signatures (AWS Signature Version 4), by the crate aws-sigv4. A request is signed last, and anew for each try and each hop.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use url::Url;

use super::error::TokenError;
use super::fetcher::Fetcher;
use super::kept::Kept;
use super::sts::Sts;
use crate::egress::client::Alone;
use crate::egress::credentials::Prepared;
use crate::egress::error::Error;
use crate::egress::settings::{self, AwsKeys, SettingsError};

/// What signs the requests of one datasource.
pub(super) struct Signer {
    region: String,
    service: String,
    keys: Keys,
    now: fn() -> SystemTime,
}

enum Keys {
    /// Those of the settings.
    Fixed(Credentials),
    /// Those that AWS gives for a while.
    Given(Box<(Kept<Credentials>, Sts)>),
}

impl Signer {
    pub(super) fn new(
        given: &settings::SigV4,
        connect: impl FnOnce(&Url) -> Result<Alone, SettingsError>,
    ) -> Result<Self, SettingsError> {
        let needs_no_role = given.role.is_none();
        let keys = match &given.keys {
            AwsKeys::Keys { id, secret, session_token } if needs_no_role => {
                let session_token = session_token.as_ref().map(|token| token.expose().to_owned());
                Keys::Fixed(credentials(id.expose(), secret.expose(), session_token))
            }
            _ => {
                let fetcher = Fetcher::new(connect(&given.sts_url)?);
                Keys::Given(Box::new((Kept::default(), Sts::new(given.clone(), fetcher))))
            }
        };
        let (region, service) = (given.region.clone(), given.service.clone());
        Ok(Self { region, service, keys, now: SystemTime::now })
    }

    /// Signs a request, and says with which keys.
    pub(super) async fn sign(&self, prepared: &mut Prepared, end: Instant) -> Result<u64, Error> {
        let (credentials, generation) = match &self.keys {
            Keys::Fixed(credentials) => (credentials.clone(), 0),
            Keys::Given(both) => both.0.get(end, || both.1.fetch(end, (self.now)())).await?,
        };
        let Prepared { method, url, headers, body, .. } = prepared;
        let (region, service) = (&self.region, &self.service);
        let now = (self.now)();
        let added =
            signature(method.as_str(), url, headers, body, &credentials, region, service, now);
        for (name, value) in added? {
            headers.insert(name, value);
        }
        Ok(generation)
    }

    /// The session token of keys that hold for a while: it is sent as it is.
    pub(super) fn issued_token(&self) -> Option<String> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Given(both) => both.0.current()?.session_token().map(str::to_owned),
        }
    }

    /// See `Authentication::is_outdated`.
    pub(super) fn is_outdated(&self, generation: u64) -> bool {
        match &self.keys {
            Keys::Fixed(_) => false,
            Keys::Given(both) => both.0.is_outdated(generation),
        }
    }
}

/// The header fields that sign a request: over its method, URL, body, and those of its header fields that nobody on the way changes.
#[expect(clippy::too_many_arguments, reason = "all that a signature is made of, each once")]
pub(super) fn signature(
    method: &str,
    url: &Url,
    headers: &HeaderMap,
    body: &[u8],
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: SystemTime,
) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let failed = |cause: String| Error::from(TokenError::Signature { cause });
    let mut settings = SigningSettings::default();
    // Both want the body's digest (AWS's documentation of S3, "Authenticating Requests", and of OpenSearch Serverless, "Signing HTTP
    // requests").
    if matches!(service, "s3" | "aoss") {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    // S3 alone takes paths as they are.
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let is_signed = |name: &HeaderName| {
        *name == HOST || *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-")
    };
    let signed = headers.iter().filter(|(name, _value)| is_signed(name));
    let signed = signed.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let request = SignableRequest::new(method, url.as_str(), signed, SignableBody::Bytes(body));
    let request = request.map_err(|error| failed(error.to_string()))?;
    let output = sign(request, &parameters.into()).map_err(|error| failed(error.to_string()))?;
    let (instructions, _signature) = output.into_parts();
    let added = instructions.headers().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    });
    added.collect::<Option<_>>().ok_or_else(|| failed("it is no header field".to_owned()))
}

/// Keys as the crate has them.
pub(super) fn credentials(id: &str, secret: &str, session_token: Option<String>) -> Credentials {
    Credentials::new(id, secret, session_token, None, "graft")
}
