//! The connections of one datasource: those to its own host, and those to others. They are kept apart because the same name may
//! stand for other addresses here than there.

use std::env;
use std::sync::Once;
use std::time::Duration;

use http::HeaderValue;
use http::header::HOST;
use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Position, Url};

use super::failure;
use super::socks::Bridge;
use crate::egress::policy::{Policy, Reach};
use crate::egress::settings::{HttpSettings, SettingsError, TlsSettings};
use crate::limits::Limits;

/// Has the names that a client is asked for resolved, within what they may stand for. Tests bring names of their own.
pub(super) type Names<'a> = &'a dyn Fn(reqwest::ClientBuilder, Reach) -> reqwest::ClientBuilder;

/// Where reqwest reads which proxy to use. Some programs know them in lower case alone.
const PROXY_VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Connections, kept open between exchanges.
pub(super) struct Connections {
    /// To the host and port of the datasource's URL.
    own: reqwest::Client,
    /// To whatever else; none where nothing else can be asked.
    others: Option<reqwest::Client>,
    /// Whether the environment names a proxy that may be used for the datasource's own host.
    by_environment: bool,
    /// The way through a proxy that is not reqwest's own.
    bridge: Option<Bridge>,
    /// The name to ask the datasource's own host for by TLS, if it is not the host's.
    server_name: Option<String>,
}

/// How two clients of one datasource differ.
struct Destination {
    /// Which addresses the names may stand for.
    reach: Reach,
    /// Whether it is the datasource's own, so that the client's certificate may be shown.
    is_own: bool,
    /// Whether it leads to this very machine.
    is_loopback: bool,
    /// Whether it can be asked by https.
    is_https: bool,
}

impl Connections {
    /// Connections of a datasource; none is opened yet.
    pub(super) fn new(
        settings: &HttpSettings,
        limits: &Limits,
        policy: &Policy,
        names: Names<'_>,
    ) -> Result<Self, SettingsError> {
        install_crypto_provider();
        let base = settings.base_url.as_ref();
        let alias = alias(settings)?;
        let mut reach = policy.reach_of_own();
        if let Some((name, host)) = &alias {
            reach.own.push(host.clone());
            reach.alias = Some((name.clone(), host.clone()));
        }
        let own = Destination {
            reach,
            is_own: true,
            is_loopback: base.is_some_and(is_loopback),
            is_https: base.is_none_or(|base| base.scheme() == "https"),
        };
        let others = Destination {
            reach: policy.reach_of_others(),
            is_own: false,
            is_loopback: policy.others().iter().any(|host| host.is_loopback()),
            is_https: true,
        };
        let others = (!policy.others().is_empty()).then_some(others);
        let by_environment = !own.is_loopback && base.is_some_and(is_proxied);
        let bridge = settings.socks.as_ref().map(Bridge::new).transpose()?;
        let through = bridge.as_ref();
        let client = |destination| http_client(settings, limits, destination, through, names);
        let server_name = alias.map(|(name, _host)| name);
        let (own, others) = (client(own)?, others.map(client).transpose()?);
        Ok(Self { own, others, by_environment, bridge, server_name })
    }

    /// Has TLS ask for the certificate's name. The host stays in `Host`, and is the one that is dialled.
    pub(super) fn rename(&self, is_own: bool, request: &mut reqwest::Request) {
        if let Some(name) = self.server_name.as_ref().filter(|_name| is_own) {
            rename(name, request);
        }
    }

    /// Whether the datasource's own host is reached through a proxy.
    pub(super) fn goes_by_proxy(&self) -> bool {
        self.bridge.is_some() || self.by_environment
    }

    /// Why the way to a host ended before it, if it goes through a proxy of ours.
    pub(super) fn failure_before(&self) -> Option<String> {
        self.bridge.as_ref()?.failure()
    }

    /// A client for one more host that the admin named, such as a token server: what holds for the datasource's own host holds for it.
    pub(super) fn alone(
        &self,
        settings: &HttpSettings,
        limits: &Limits,
        url: &Url,
        names: Names<'_>,
    ) -> Result<Alone, SettingsError> {
        let is_own = settings.base_url.as_ref().is_some_and(|base| base.origin() == url.origin());
        let mut reach = Reach::of_own(url);
        let alias = alias(settings)?.filter(|_alias| is_own);
        if let Some((name, host)) = &alias {
            reach.own.push(host.clone());
            reach.alias = Some((name.clone(), host.clone()));
        }
        let (is_loopback, is_https) = (is_loopback(url), url.scheme() == "https");
        let destination = Destination { reach, is_own, is_loopback, is_https };
        let client = http_client(settings, limits, destination, self.bridge.as_ref(), names)?;
        Ok(Alone { client, server_name: alias.map(|(name, _host)| name) })
    }

    /// The connections to the datasource's own host, or to others.
    pub(super) fn to(&self, is_own: bool) -> &reqwest::Client {
        // Without others the policy lets nothing through that is not the own host's; for which `own` takes public addresses only.
        self.others.as_ref().filter(|_| !is_own).unwrap_or(&self.own)
    }
}

/// The connections to one host that the admin named.
pub(in crate::egress) struct Alone {
    client: reqwest::Client,
    /// The name to ask it for by TLS, if it is not the host's.
    server_name: Option<String>,
}

impl Alone {
    /// Sends a request, up to the response's body.
    pub(in crate::egress) async fn execute(
        &self,
        mut request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        if let Some(name) = &self.server_name {
            rename(name, &mut request);
        }
        self.client.execute(request).await
    }

    /// One by a client as it is.
    #[cfg(test)]
    pub(in crate::egress) fn of(client: reqwest::Client) -> Self {
        Self { client, server_name: None }
    }
}

fn rename(name: &str, request: &mut reqwest::Request) {
    let url = request.url();
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    if let Ok(authority) = HeaderValue::from_str(authority) {
        request.headers_mut().entry(HOST).or_insert(authority);
    }
    // It fails for what is no host, and this was read as one.
    let _renamed = request.url_mut().set_host(Some(name));
}

fn http_client(
    settings: &HttpSettings,
    limits: &Limits,
    destination: Destination,
    bridge: Option<&Bridge>,
    names: Names<'_>,
) -> Result<reqwest::Client, SettingsError> {
    let header_bytes = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
    let mut builder = reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .connect_timeout(connect_timeout(settings, destination.is_https))
        .tcp_keepalive(settings.keep_alive)
        .pool_idle_timeout(settings.idle_timeout)
        .pool_max_idle_per_host(settings.idle_connections)
        .redirect(reqwest::redirect::Policy::none())
        .http2_adaptive_window(true)
        .http2_max_header_list_size(header_bytes);
    let mut reach = destination.reach;
    // As Go's net/http and so all other data sources do: the environment's proxy is not for Grafana's own machine.
    if let Some(bridge) = bridge {
        if reach.alias.is_some() {
            return Err(SettingsError::ServerNameAndProxy);
        }
        // The proxy resolves names, so they are not judged here.
        builder = builder.no_proxy().proxy(bridge.proxy.clone());
    } else if destination.is_loopback {
        builder = builder.no_proxy();
    } else {
        let proxies = proxies(|variable| env::var(variable).ok());
        let is_proxied = settings.base_url.as_ref().is_some_and(is_proxied);
        if reach.alias.is_some() && is_proxied {
            return Err(SettingsError::ServerNameAndProxy);
        }
        reach = reach.and_proxies(proxies);
    }
    if reach.alias.is_some() {
        // HTTP/2 has the name in the place of `Host`.
        builder = builder.http1_only();
    }
    builder = names(tls(builder, &settings.tls, destination.is_own, destination.is_https)?, reach);
    builder.build().map_err(|error| SettingsError::Tls { reason: failure::root_cause(&error) })
}

/// Until a connection is there. reqwest has one time for all of it.
fn connect_timeout(settings: &HttpSettings, is_https: bool) -> Duration {
    let handshake = if is_https { settings.tls_handshake_timeout } else { Duration::ZERO };
    settings.dial_timeout + handshake
}

/// The name to ask the datasource's own host for, if it is not the host's, and the host.
fn alias(settings: &HttpSettings) -> Result<Option<(String, String)>, SettingsError> {
    let (Some(name), Some(base)) = (&settings.tls.server_name, &settings.base_url) else {
        return Ok(None);
    };
    let host = base.host_str().unwrap_or_default();
    if base.scheme() != "https" || name.eq_ignore_ascii_case(host) {
        return Ok(None);
    }
    match Host::parse(name) {
        Ok(Host::Domain(name)) => Ok(Some((name, host.trim_matches(['[', ']']).to_owned()))),
        _ => Err(SettingsError::ServerName),
    }
}

/// Whether the environment has requests for this URL go through a proxy, as reqwest reads it: by the URL's scheme, and unless `NO_PROXY`
/// names its host.
fn is_proxied(url: &Url) -> bool {
    let uri = url.as_str().parse().ok();
    uri.is_some_and(|uri: http::Uri| Matcher::from_env().intercept(&uri).is_some())
}

/// The hosts of the proxies that the environment names. Their names are resolved here, like any other; behind them it is the proxy
/// that resolves.
fn proxies(variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let proxies = PROXY_VARIABLES.iter().filter_map(|name| variable(name));
    let proxies = proxies.filter_map(|proxy| proxy.parse::<http::Uri>().ok());
    proxies.filter_map(|proxy| proxy.host().map(str::to_owned)).collect()
}

fn tls(
    mut builder: reqwest::ClientBuilder,
    settings: &TlsSettings,
    is_own: bool,
    https: bool,
) -> Result<reqwest::ClientBuilder, SettingsError> {
    if settings.only_13 {
        builder = builder.tls_version_min(reqwest::tls::Version::TLS_1_3);
    }
    if settings.skip_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(authority) = &settings.authority {
        let parsed = reqwest::Certificate::from_pem_bundle(authority.expose().as_bytes());
        let certificates = parsed
            .map_err(|error| SettingsError::Authority { reason: failure::root_cause(&error) })?;
        if certificates.is_empty() {
            let reason = "there is no certificate in it".to_owned();
            return Err(SettingsError::Authority { reason });
        }
        builder = builder.tls_certs_only(certificates);
    } else if !https {
        // Reading the system's certificates takes longer than all else here, and fails where there are none.
        builder = builder.tls_certs_only([]);
    }
    if let Some(client) = settings.client.as_ref().filter(|_client| is_own) {
        let pem = [client.certificate.expose(), client.key.expose()].join("\n");
        let identity = reqwest::Identity::from_pem(pem.as_bytes());
        let identity = identity.map_err(|error| SettingsError::ClientCertificate {
            reason: failure::root_cause(&error),
        })?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

/// Whether a URL leads to this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// rustls is built without a default provider of cryptography; this process uses ring.
fn install_crypto_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error says that somebody was faster, with the same provider.
        let _installed = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_of_proxies_are_those_that_the_environment_names() {
        let variable = |name: &str| match name {
            "HTTP_PROXY" => Some("http://user:password@proxy.example:3128/".to_owned()),
            "https_proxy" => Some("proxy.internal:3128".to_owned()),
            "ALL_PROXY" => Some("not a proxy".to_owned()),
            _ => None,
        };
        assert_eq!(proxies(variable), ["proxy.example", "proxy.internal"]);
    }
}
