//! What go-plugin says through environment variables: contract section 1.2. Only reading; nothing is bound or opened.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::mutual_tls::{ClientCertificate, ClientCertificateError};

/// The variable that only Grafana sets, and its value. Both are the same for all plugins and will never change.
const MAGIC_COOKIE: (&str, &str) = ("grafana_plugin_type", "datasource");

/// How go-plugin wants this process to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Where to listen.
    pub network: Network,
    /// The versions of the plugin protocol that Grafana offers. Whatever they are, this plugin speaks version 2 alone,
    /// and it is for Grafana to refuse that.
    pub protocol_versions: Vec<u32>,
    /// Whether the handshake has to say if broker connections can share one socket.
    pub asks_for_multiplexing: bool,
    /// The only client that may connect, by mutual TLS. Without one everybody who reaches the socket may, in plain text: so does
    /// Grafana.
    pub client_certificate: Option<ClientCertificate>,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// A Unix socket that only this user can connect to.
    Unix {
        /// The socket is made somewhere below this folder.
        folder: PathBuf,
        /// The group, by name or number, whose members can connect too.
        group: Option<String>,
    },
    /// TCP on the loopback interface.
    Tcp {
        /// The first free port of these is taken; port 0 is any free port.
        ports: RangeInclusive<u16>,
    },
}

/// Why this process cannot serve.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EnvironmentError {
    /// A person, not Grafana, started the binary.
    #[error(
        "This program is a plugin: Grafana starts it, and speaks with it, when it finds it in its plugin folder. To see it \
         work without Grafana, run `cargo xtask demo` in Graft's repository; with the argument -standalone it runs beside \
         Grafana, for a debugger, and Grafana finds it."
    )]
    NotStartedByGrafana,
    /// AutoMTLS is on, without the one thing that it needs.
    #[error(
        "PLUGIN_CLIENT_CERT is set, so the program that started this plugin wants mutual TLS, but {0}. That program has to \
         put its certificate there, or switch AutoMTLS off, as Grafana does"
    )]
    ClientCertificate(ClientCertificateError),
    /// A variable has a value that means nothing.
    #[error(
        "{variable} is '{value}', which is not {expected}. Mend the value, or remove it for the default."
    )]
    Unreadable {
        /// The variable's name.
        variable: &'static str,
        /// What it is set to.
        value: String,
        /// What it can be set to.
        expected: &'static str,
    },
}

impl Environment {
    /// Reads the environment, given as its variables.
    pub fn from_variables(
        variables: &HashMap<OsString, OsString>,
    ) -> Result<Self, EnvironmentError> {
        let variables = Variables(variables);
        let (cookie, expected) = MAGIC_COOKIE;
        if variables.text(cookie).as_deref() != Some(expected) {
            return Err(EnvironmentError::NotStartedByGrafana);
        }
        let certificate = variables.text("PLUGIN_CLIENT_CERT");
        let certificate = certificate.as_deref().map(ClientCertificate::from_pem).transpose();
        let versions = variables.text("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        Ok(Self {
            network: network(&variables)?,
            // Go, too, skips what it cannot read.
            protocol_versions: versions
                .split(',')
                .filter_map(|version| version.trim().parse().ok())
                .collect(),
            asks_for_multiplexing: variables.get("PLUGIN_MULTIPLEX_GRPC").is_some(),
            client_certificate: certificate.map_err(EnvironmentError::ClientCertificate)?,
        })
    }
}

/// Grafana passes `network` of grafana.ini `[plugin.graft-datasource]` as `GF_PLUGIN_NETWORK` (contract section 6.2).
fn network(variables: &Variables<'_>) -> Result<Network, EnvironmentError> {
    const VARIABLE: &str = "GF_PLUGIN_NETWORK";
    let choice = variables.text(VARIABLE);
    match choice.as_deref().map(str::trim) {
        None | Some("unix") => Ok(Network::Unix {
            folder: ["PLUGIN_UNIX_SOCKET_DIR", "TMPDIR"]
                .into_iter()
                .find_map(|name| variables.get(name))
                .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
            group: variables.text("PLUGIN_UNIX_SOCKET_GROUP"),
        }),
        Some("tcp") => Ok(Network::Tcp { ports: ports(variables)? }),
        Some(value) => Err(EnvironmentError::Unreadable {
            variable: VARIABLE,
            value: value.to_owned(),
            expected: "'unix' or 'tcp'",
        }),
    }
}

fn ports(variables: &Variables<'_>) -> Result<RangeInclusive<u16>, EnvironmentError> {
    let port = |variable: &'static str, expected| {
        let Some(value) = variables.text(variable) else { return Ok(0) };
        let port = value.trim().parse::<u16>();
        port.map_err(|_unreadable| EnvironmentError::Unreadable { variable, value, expected })
    };
    let first = port("PLUGIN_MIN_PORT", "a port number")?;
    let last = port("PLUGIN_MAX_PORT", "a port number")?;
    // As go-plugin counts: without both ends there is no range.
    if first == 0 || last == 0 {
        return Ok(0..=0);
    }
    if last < first {
        return Err(EnvironmentError::Unreadable {
            variable: "PLUGIN_MAX_PORT",
            value: last.to_string(),
            expected: "as high as PLUGIN_MIN_PORT",
        });
    }
    Ok(first..=last)
}

/// The environment; a variable that is set to nothing counts as not set.
struct Variables<'a>(&'a HashMap<OsString, OsString>);

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(OsStr::new(name)).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().into_owned())
    }
}
