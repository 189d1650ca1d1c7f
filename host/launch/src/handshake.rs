//! The plugin's first line on stdout, read as go-plugin reads it: contract section 1.3.

use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What the plugin said about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The line, without its line break.
    pub line: String,
    /// Where the plugin listens.
    pub address: Address,
    /// The plugin's certificate, DER, if it was to have one.
    pub certificate: Option<Vec<u8>>,
}

/// Where a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

/// Why a line is no handshake. What stands in quotation marks is what Grafana's log would say.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum HandshakeError {
    /// Less than four fields.
    #[error(
        "\"Unrecognized remote plugin message: {0}\": the first line on stdout has to be the handshake"
    )]
    Unrecognized(String),
    /// go-plugin's version.
    #[error("\"Incompatible core API version with plugin\": it is '{0}' and has to be 1")]
    CoreVersion(String),
    /// The version of Grafana's plugin protocol.
    #[error("\"Incompatible API version with plugin\": it is '{0}' and has to be 2")]
    Version(String),
    /// Neither kind of socket.
    #[error("\"Unknown address type: {0}\": it has to be 'unix' or 'tcp'")]
    AddressType(String),
    /// An address that is not one of its type.
    #[error("the address '{0}' is not {expected}", expected = .1)]
    Address(String, &'static str),
    /// Not gRPC.
    #[error("\"Unsupported plugin protocol {0:?}\": it has to be grpc")]
    Protocol(String),
    /// A certificate that nobody asked for.
    #[error("it holds a certificate that Grafana did not ask for, which crashes Grafana")]
    Certificate,
    /// No certificate where one has to be.
    #[error("it holds no certificate, although PLUGIN_CLIENT_CERT asked for mutual TLS")]
    NoCertificate,
    /// A certificate in another spelling.
    #[error("\"error parsing server cert\": it is no base64 without padding: {0}")]
    Base64(String),
}

/// Reads a handshake without mutual TLS, which is how Grafana starts plugins.
impl FromStr for Handshake {
    type Err = HandshakeError;

    fn from_str(line: &str) -> Result<Self, HandshakeError> {
        Self::read(line, false)
    }
}

impl Handshake {
    /// Reads a handshake, of a plugin that was asked for mutual TLS or was not.
    pub(crate) fn read(line: &str, mutual_tls: bool) -> Result<Self, HandshakeError> {
        let line = line.trim();
        let mut fields = line.split('|');
        let (Some(core), Some(version), Some(network), Some(address)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(HandshakeError::Unrecognized(line.to_owned()));
        };
        if core.parse() != Ok(1) {
            return Err(HandshakeError::CoreVersion(core.to_owned()));
        }
        if version.parse() != Ok(2) {
            return Err(HandshakeError::Version(version.to_owned()));
        }
        let address = address_of(network, address)?;
        // go-plugin's oldest plugins leave the protocol out.
        let protocol = fields.next().unwrap_or("netrpc");
        if protocol != "grpc" {
            return Err(HandshakeError::Protocol(protocol.to_owned()));
        }
        // go-plugin takes only what is longer than this for a certificate.
        let certificate = match fields.next().filter(|certificate| certificate.len() > 50) {
            Some(_) if !mutual_tls => return Err(HandshakeError::Certificate),
            None if mutual_tls => return Err(HandshakeError::NoCertificate),
            certificate => certificate.map(|text| STANDARD_NO_PAD.decode(text)).transpose(),
        };
        let certificate = certificate.map_err(|error| HandshakeError::Base64(error.to_string()))?;
        Ok(Self { line: line.to_owned(), address, certificate })
    }
}

fn address_of(network: &str, address: &str) -> Result<Address, HandshakeError> {
    match network {
        "unix" if address.starts_with('/') => Ok(Address::Unix(PathBuf::from(address))),
        "unix" => Err(HandshakeError::Address(address.to_owned(), "an absolute path")),
        "tcp" => match address.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => {
                let host = if host.is_empty() { "localhost" } else { host };
                Ok(Address::Tcp(format!("{host}:{port}")))
            }
            _ => Err(HandshakeError::Address(address.to_owned(), "of the form host:port")),
        },
        _ => Err(HandshakeError::AddressType(network.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(line: &str) -> Result<Address, HandshakeError> {
        line.parse().map(|handshake: Handshake| handshake.address)
    }

    #[test]
    fn both_kinds_of_address_are_read() {
        assert_eq!(address("1|2|unix|/tmp/a|grpc|\n"), Ok(Address::Unix("/tmp/a".into())));
        let tcp = Address::Tcp("127.0.0.1:4000".to_owned());
        assert_eq!(address("1|2|tcp|127.0.0.1:4000|grpc|"), Ok(tcp));
        assert_eq!(address("1|2|tcp|:4000|grpc"), Ok(Address::Tcp("localhost:4000".to_owned())));
    }

    #[test]
    fn a_word_before_the_handshake_is_refused() {
        let refused = address("Hello!").unwrap_err().to_string();
        assert!(refused.contains("Unrecognized remote plugin message: Hello!"), "{refused}");
    }

    #[test]
    fn each_field_is_looked_at() {
        use HandshakeError::*;
        let own = str::to_owned;
        for (line, expected) in [
            ("2|2|unix|/a|grpc|", CoreVersion(own("2"))),
            ("x|2|unix|/a|grpc|", CoreVersion(own("x"))),
            ("1|1|unix|/a|grpc|", Version(own("1"))),
            ("1|2|udp|/a|grpc|", AddressType(own("udp"))),
            ("1|2|unix|a|grpc|", Address(own("a"), "an absolute path")),
            ("1|2|tcp|localhost|grpc|", Address(own("localhost"), "of the form host:port")),
            ("1|2|unix|/a", Protocol(own("netrpc"))),
            ("1|2|unix|/a|grpc-web|", Protocol(own("grpc-web"))),
        ] {
            assert_eq!(address(line), Err(expected), "{line}");
        }
    }

    #[test]
    fn a_certificate_that_would_crash_grafana_is_refused() {
        let line = format!("1|2|unix|/a|grpc|{}", "A".repeat(51));
        assert_eq!(address(&line), Err(HandshakeError::Certificate));
    }

    #[test]
    fn a_certificate_that_was_asked_for_is_read() {
        let read = |field: &str| Handshake::read(&format!("1|2|unix|/a|grpc|{field}|false"), true);
        let handshake = read(&"A".repeat(52)).unwrap();
        assert_eq!(handshake.certificate, Some(vec![0; 39]));
        assert_eq!(read(""), Err(HandshakeError::NoCertificate));
        assert!(matches!(read(&"A=".repeat(30)), Err(HandshakeError::Base64(_))));
    }
}
