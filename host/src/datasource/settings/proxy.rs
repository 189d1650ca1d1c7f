//! Grafana's secure SOCKS proxy: what the admin of the data source switched on, and what Grafana's own admin configured (contract
//! section 9).

use super::json_data::JsonData;
use super::{Error, RawSettings};
use crate::egress::{Socks, SocksTls};
use crate::model::Secret;

/// What Grafana's own admin configured, with contents in the place of paths.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SocksProxy {
    /// `host:port`; empty if there is no proxy.
    pub address: String,
    /// The name that its certificate is for; empty for the address's host.
    pub server_name: String,
    /// PEM certificates to trust.
    pub authorities: Vec<Secret>,
    /// The client's certificate, PEM.
    pub certificate: Option<Secret>,
    /// Its key, PEM.
    pub key: Option<Secret>,
    /// Whether it may be used without TLS.
    pub allow_insecure: bool,
    /// What cannot be read of it.
    pub problem: Option<String>,
}

/// The proxy, if the data source is to use it.
pub(super) fn of(raw: &RawSettings, json_data: &JsonData<'_>) -> Result<Option<Socks>, Error> {
    if !json_data.is_on("enableSecureSocksProxy")? {
        return Ok(None);
    }
    let wrong = |reason: &str| Error::SocksProxy { reason: reason.to_owned() };
    let SocksProxy { address, server_name, authorities, certificate, key, allow_insecure, problem } =
        &raw.socks_proxy;
    if let Some(problem) = problem {
        return Err(wrong(problem));
    }
    if address.is_empty() {
        return Err(wrong("Grafana has none configured (section [secure_socks_datasource_proxy])"));
    }
    let tls = match (certificate, key) {
        _ if *allow_insecure => None,
        (Some(certificate), Some(key)) => {
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _port)| host);
            let server_name = if server_name.is_empty() { host } else { server_name };
            Some(SocksTls {
                server_name: server_name.to_owned(),
                authorities: authorities.clone(),
                certificate: certificate.clone(),
                key: key.clone(),
            })
        }
        _ => return Err(wrong("Grafana has no client certificate and key configured for it")),
    };
    let user = json_data.text_of("secureSocksProxyUsername")?.unwrap_or(&raw.uid).to_owned();
    let password = raw.secret("secureSocksProxyPassword");
    let password = password.unwrap_or_else(|| Secret::new(String::new()));
    Ok(Some(Socks { address: address.clone(), user, password, tls }))
}
