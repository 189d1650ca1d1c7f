//! From what Grafana sends of a data source to what requests and guests are run with (contract section 9). Pure.
//!
//! Keys that the Go SDK knows mean here what they mean there. Where the SDK would quietly go on with less security than
//! the admin asked for, there is an error instead.

mod authentication;
mod base_url;
mod error;
mod json_data;
mod proxy;
mod user_agent;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;

use crate::egress::{BasicAuth, ClientCertificate, Forward, HttpSettings, TlsSettings};
use crate::guest::is_guest_name;
use crate::limits::{GUEST_NAME_BYTES_MAX, RETRIES_MAX};
use crate::model::{DatasourceView, Pace, Secret};
use base_url::BaseUrl;
pub(super) use error::{Error, printable};
use json_data::JsonData;
pub use proxy::SocksProxy;

/// What the names of custom headers begin with in jsonData, and their values' in secureJsonData; a number follows.
const HEADER_NAME: &str = "httpHeaderName";
const HEADER_VALUE: &str = "httpHeaderValue";

/// What Grafana sent, as it sent it.
///
/// Two are equal if nothing at all has changed. When something has, the time of the change is most often different, and
/// that is compared first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawSettings {
    /// When an admin last changed something; milliseconds since the Unix epoch.
    pub updated_ms: i64,
    /// Grafana's unique id of the data source within its organisation.
    pub uid: String,
    /// The organisation.
    pub org_id: i64,
    /// The name the admin gave it.
    pub name: String,
    /// The URL as entered. May hold user name and password.
    pub url: String,
    /// The user name of the API's database, as older settings have it.
    pub user: String,
    /// The database, as older settings have it. Nothing here reads it.
    pub database: String,
    /// Whether basic authentication is on.
    pub basic_auth_enabled: bool,
    /// The user name for it.
    pub basic_auth_user: String,
    /// jsonData; may be empty.
    pub json_data: Bytes,
    /// secureJsonData, decrypted.
    pub secure_json_data: HashMap<String, Secret>,
    /// Grafana's own, such as `Grafana/12.0.0 (linux; amd64)`; or empty.
    pub user_agent: String,
    /// This plugin's version, as Grafana read it from plugin.json; or empty.
    pub plugin_version: String,
    /// Grafana's own limit of a response (`GF_RESPONSE_LIMIT`), bytes.
    pub response_limit: Option<usize>,
    /// Grafana's secure SOCKS proxy; looked at only if the data source uses it.
    pub socks_proxy: SocksProxy,
    /// Whether Grafana wants TLS 1.3 alone (feature toggle `pluginsForceTls13`).
    pub only_tls_13: bool,
}

/// What a data source is run with.
pub struct Settings {
    /// Grafana's unique id.
    pub uid: String,
    /// The name the admin gave it.
    pub name: String,
    /// The guest's name: lower case letters, digits and `-`, so that it is never more of a path than a file's name.
    pub guest: String,
    /// How its requests are sent.
    pub http: HttpSettings,
    /// What its guest sees of it.
    pub view: DatasourceView,
}

impl RawSettings {
    /// Makes sense of it, or says what the admin has to mend.
    pub fn resolve(&self) -> Result<Settings, Error> {
        let json_data = JsonData::parse(&self.json_data)?;
        let guest = guest(&json_data)?;
        let base_url = BaseUrl::parse(&self.url)?;
        let url = base_url.as_ref().map(BaseUrl::view).unwrap_or_default();
        let http = self.http(&json_data, base_url)?;
        let mut secrets: Vec<String> = http.secrets.keys().cloned().collect();
        // A guest is a pure function, so that it must not depend on the order of a hash map.
        secrets.sort_unstable();
        let view = DatasourceView {
            uid: self.uid.clone(),
            name: self.name.clone(),
            url,
            settings: json_data.text().to_owned(),
            secrets,
        };
        Ok(Settings { uid: self.uid.clone(), name: self.name.clone(), guest, http, view })
    }

    /// The name of the guest that the admin chose, whatever else the settings are.
    pub fn guest(&self) -> Result<String, Error> {
        guest(&JsonData::parse(&self.json_data)?)
    }

    fn http(
        &self,
        json_data: &JsonData<'_>,
        base_url: Option<BaseUrl>,
    ) -> Result<HttpSettings, Error> {
        let (url, in_url) = base_url.map(|base| (base.url, base.basic_auth)).unzip();
        let mut http = HttpSettings::new(url);
        http.authentication = authentication::of(self, json_data, http.base_url.as_ref())?;
        http.forward = forward(json_data)?;
        http.socks = proxy::of(self, json_data)?;
        http.pace = pace(json_data);
        http.retries =
            json_data.whole("maxRetries").map_or(http.retries, |most| most.min(RETRIES_MAX));
        http.cache_for = json_data.seconds("cacheFor");
        http.stale_if_error = json_data.seconds("staleIfError").unwrap_or(http.stale_if_error);
        http.connections_per_host = json_data.count("httpMaxConnsPerHost");
        http.response_bytes = self.response_limit;
        http.basic_auth = self.basic_auth(json_data)?.or(in_url.flatten());
        if http.basic_auth.is_some() && http.authentication.is_in_authorization() {
            return Err(Error::BasicAndAuthentication);
        }
        http.headers = self.headers(json_data)?;
        http.timeout = json_data.seconds("timeout").unwrap_or(http.timeout);
        http.tls_handshake_timeout =
            json_data.seconds("httpTLSHandshakeTimeout").unwrap_or(http.tls_handshake_timeout);
        http.dial_timeout = json_data.seconds("dialTimeout").unwrap_or(http.dial_timeout);
        http.keep_alive = json_data.seconds("httpKeepAlive").unwrap_or(http.keep_alive);
        http.idle_timeout = json_data.seconds("httpIdleConnTimeout").unwrap_or(http.idle_timeout);
        // All hosts together and each of them: nearly always there is one.
        for key in ["httpMaxIdleConns", "httpMaxIdleConnsPerHost"] {
            let count = json_data.count(key).unwrap_or(http.idle_connections);
            http.idle_connections = http.idle_connections.min(count);
        }
        http.tls = self.tls(json_data)?;
        http.allowed_hosts = json_data.list("allowedHosts")?;
        let secrets = self.secure_json_data.iter();
        let secrets =
            secrets.filter(|(name, value)| !value.expose().is_empty() && !Secret::is_of_host(name));
        http.secrets = secrets.map(|(name, value)| (name.clone(), value.clone())).collect();
        http.all_secrets = self.secure_json_data.values().cloned().collect();
        http.user_agent = user_agent::compose(&self.user_agent, &self.plugin_version);
        Ok(http)
    }

    /// The first of what the SDK looks for; `user` counts only without basic authentication.
    fn basic_auth(&self, json_data: &JsonData<'_>) -> Result<Option<BasicAuth>, Error> {
        let password = |name| self.secret(name).unwrap_or_else(|| Secret::new(String::new()));
        let (user, password) = if self.basic_auth_enabled {
            (self.basic_auth_user.as_str(), password("basicAuthPassword"))
        } else if !self.user.is_empty() {
            (self.user.as_str(), password("password"))
        } else if json_data.is_on("basicAuth")? {
            let user = json_data.text_of("basicAuthUser")?.unwrap_or_default();
            (user, password("basicAuthPassword"))
        } else {
            return Ok(None);
        };
        Ok(Some(BasicAuth { user: user.to_owned(), password }))
    }

    /// Custom headers, from 1 to the first number without a name. One without a value is not sent.
    fn headers(&self, json_data: &JsonData<'_>) -> Result<Vec<(String, Secret)>, Error> {
        let mut headers = Vec::new();
        for number in 1_u32.. {
            let key = format!("{HEADER_NAME}{number}");
            if !json_data.has(&key) {
                break;
            }
            let name = json_data.text_of(&key)?.map(str::trim).filter(|name| !name.is_empty());
            let value = self.secret(&format!("{HEADER_VALUE}{number}"));
            headers.extend(name.map(str::to_owned).zip(value));
        }
        Ok(headers)
    }

    /// All certificates count if either of their switches is on, as in the SDK. A switch without its certificate is an
    /// error; the SDK goes on without.
    fn tls(&self, json_data: &JsonData<'_>) -> Result<TlsSettings, Error> {
        let shows_certificate = json_data.is_on("tlsAuth")?;
        let own_authority = json_data.is_on("tlsAuthWithCACert")?;
        let mut tls = TlsSettings {
            skip_verify: json_data.is_on("tlsSkipVerify")?,
            only_13: self.only_tls_13,
            ..TlsSettings::default()
        };
        if !shows_certificate && !own_authority {
            return Ok(tls);
        }
        let (certificate, key) = (self.secret("tlsClientCert"), self.secret("tlsClientKey"));
        let missing = |switch, secret| Err(Error::SecretMissing { switch, secret });
        if shows_certificate && certificate.is_none() {
            return missing("tlsAuth", "tlsClientCert");
        }
        if shows_certificate && key.is_none() {
            return missing("tlsAuth", "tlsClientKey");
        }
        tls.client =
            certificate.zip(key).map(|(certificate, key)| ClientCertificate { certificate, key });
        tls.server_name = json_data.text_of("serverName")?.map(str::trim).map(str::to_owned);
        tls.authority = self.secret("tlsCACert");
        if own_authority && tls.authority.is_none() {
            return missing("tlsAuthWithCACert", "tlsCACert");
        }
        Ok(tls)
    }

    /// A secret that is set.
    fn secret(&self, name: &str) -> Option<Secret> {
        self.secure_json_data.get(name).filter(|value| !value.expose().is_empty()).cloned()
    }
}

/// The guest that the admin chose.
fn guest(json_data: &JsonData<'_>) -> Result<String, Error> {
    let name = json_data.text_of("guest")?.ok_or(Error::NoGuest)?;
    if !is_guest_name(name) {
        let shown = name.chars().take(GUEST_NAME_BYTES_MAX).flat_map(char::escape_debug);
        return Err(Error::GuestName { name: shown.collect() });
    }
    Ok(name.to_owned())
}

/// What of a caller's header fields reaches the API. Grafana itself has removed what is not to be forwarded; what an admin named is let
/// through here, and nothing else.
fn forward(json_data: &JsonData<'_>) -> Result<Forward, Error> {
    let mut headers = json_data.list("allowedHeaders")?;
    for name in &mut headers {
        name.make_ascii_lowercase();
        if !Forward::can_be(name) {
            let name = printable(name);
            return Err(Error::ForwardedHeader { name });
        }
    }
    Ok(Forward {
        tokens: json_data.is_on("oauthPassThru")?,
        // What is none forwards nothing, which is the safe side.
        cookies: json_data.list("keepCookies").is_ok_and(|names| !names.is_empty()),
        headers,
    })
}

/// How often the API may be asked.
fn pace(json_data: &JsonData<'_>) -> Pace {
    let count = |key| json_data.count(key).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Pace {
        requests_per_second: json_data.number("maxRequestsPerSecond"),
        burst: count("requestBurst"),
        in_flight: count("maxRequestsInFlight"),
    }
}

impl fmt::Debug for RawSettings {
    /// No secret: not those in the URL, nor those that somebody put into jsonData by mistake.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut secrets: Vec<&String> = self.secure_json_data.keys().collect();
        secrets.sort_unstable();
        let url = match BaseUrl::parse(&self.url) {
            Ok(Some(base)) => base.view(),
            Ok(None) => String::new(),
            Err(_unusable) => format!("[{} bytes, unusable]", self.url.len()),
        };
        formatter
            .debug_struct("RawSettings")
            .field("uid", &self.uid)
            .field("org_id", &self.org_id)
            .field("name", &self.name)
            .field("url", &url)
            .field("basic_auth_enabled", &self.basic_auth_enabled)
            .field("json_data_bytes", &self.json_data.len())
            .field("secrets", &secrets)
            .field("updated_ms", &self.updated_ms)
            .field("user_agent", &self.user_agent)
            .field("plugin_version", &self.plugin_version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Settings {
    /// Without the view, whose settings are jsonData.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("uid", &self.uid)
            .field("name", &self.name)
            .field("guest", &self.guest)
            .field("http", &self.http)
            .field("settings_bytes", &self.view.settings.len())
            .finish_non_exhaustive()
    }
}
