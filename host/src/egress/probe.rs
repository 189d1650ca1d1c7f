//! The way to an API step by step, for "Save & test": its name, a connection, its certificate. Nothing is asked, and nothing is told that
//! an exchange would not tell; only where it ends is plainer to see.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::policy::Reach;
use crate::limits::{CERTIFICATE_WARNING, PROBE_TIMEOUT};

/// The step's name.
pub const TLS: &str = "TLS";

/// A part of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was tried, in a word or two.
    pub name: &'static str,
    /// Whether it was done.
    pub ok: bool,
    /// What came of it.
    pub text: String,
    /// How long it took.
    pub elapsed: Duration,
}

/// Walks the way to a URL's host as far as it goes, within the names' `reach`.
pub(super) async fn walk(url: &Url, reach: &Reach) -> Vec<Step> {
    let mut steps = Vec::new();
    // What takes longer is told by the exchanges.
    let _late = timeout(PROBE_TIMEOUT, go(url, reach, &mut steps)).await;
    steps
}

async fn go(url: &Url, reach: &Reach, steps: &mut Vec<Step>) {
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else { return };
    let start = Instant::now();
    let mut add = |name, start: Instant, came: &Result<String, String>| {
        let (ok, text) = match came {
            Ok(text) => (true, text.clone()),
            Err(text) => (false, text.clone()),
        };
        steps.push(Step { name, ok, text, elapsed: start.elapsed() });
    };
    let addresses = match host {
        Host::Ipv4(address) => vec![(address, port).into()],
        Host::Ipv6(address) => vec![(address, port).into()],
        Host::Domain(name) => {
            let found = lookup_host((name, port)).await;
            let found = found.map_err(|error| format!("'{name}' cannot be resolved ({error})"));
            let judged = found.and_then(|found| {
                reach.judge(name, found.collect()).map_err(|refused| refused.to_string())
            });
            let shown: Vec<_> =
                judged.iter().flatten().map(|address| address.ip().to_string()).collect();
            let came = judged.as_ref().map(|_found| format!("'{name}' is {}", shown.join(", ")));
            add("Name resolved", start, &came.map_err(Clone::clone));
            let Ok(addresses) = judged else { return };
            addresses
        }
    };
    let start = Instant::now();
    let connected = TcpStream::connect(addresses.as_slice()).await;
    let came = match &connected {
        Ok(stream) => {
            Ok(stream.peer_addr().map_or_else(|_gone| String::new(), |peer| format!("to {peer}")))
        }
        Err(error) => Err(format!("there is no connection to port {port} ({error})")),
    };
    add("Connected", start, &came);
    let Ok(stream) = connected else { return };
    if url.scheme() == "https" {
        let start = Instant::now();
        let came = certificate(url, stream).await;
        add(TLS, start, &came);
    }
}

/// What the certificate says. Whether it is to be trusted the exchanges find out.
async fn certificate(url: &Url, stream: TcpStream) -> Result<String, String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let provider = Arc::new(ring::default_provider());
    let looker = Arc::new(Looker(Arc::clone(&provider)));
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    let config = config.dangerous().with_custom_certificate_verifier(looker).with_no_client_auth();
    let tls = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let tls = tls.map_err(|error| error.to_string())?;
    let (_stream, connection) = tls.get_ref();
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    };
    let first = connection.peer_certificates().and_then(|chain| chain.first());
    let parsed = first.and_then(|first| X509Certificate::from_der(first).ok());
    let Some((_rest, parsed)) = parsed else {
        return Err(format!("{version}, but the certificate cannot be read"));
    };
    let until = parsed.validity().not_after.timestamp();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    validity(version, until, i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

/// What is left of a certificate's time; both in seconds since the epoch.
fn validity(version: &str, until: i64, now: i64) -> Result<String, String> {
    const DAY: i64 = 24 * 60 * 60;
    let left = until - now;
    let days = left.div_euclid(DAY);
    match left {
        ..0 => Err(format!("{version}, but the certificate expired {} days ago", (-left) / DAY)),
        _ if left < CERTIFICATE_WARNING.as_secs().cast_signed() => {
            Ok(format!("{version}. Attention: the certificate expires in {days} days"))
        }
        _ => Ok(format!("{version}; the certificate holds for {days} days")),
    }
}

/// Looks at certificates and takes any. Nothing is ever sent over what it lets through.
#[derive(Debug)]
struct Looker(Arc<CryptoProvider>);

impl ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_certificate_that_ends_soon_is_warned_of_and_one_that_has_ended_is_wrong() {
        let day = 24 * 60 * 60;
        assert_eq!(
            validity("TLS 1.3", 100 * day, 10 * day),
            Ok("TLS 1.3; the certificate holds for 90 days".to_owned())
        );
        assert_eq!(
            validity("TLS 1.3", 20 * day, 10 * day + 1),
            Ok("TLS 1.3. Attention: the certificate expires in 9 days".to_owned())
        );
        assert_eq!(
            validity("TLS 1.2", 10 * day, 13 * day),
            Err("TLS 1.2, but the certificate expired 3 days ago".to_owned())
        );
    }

    #[tokio::test]
    async fn the_way_ends_where_it_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let walked = async |url: String| {
            let url: Url = url.parse().unwrap();
            let steps = walk(&url, &Reach::of_own(&url)).await;
            steps.into_iter().map(|step| (step.name, step.ok)).collect::<Vec<_>>()
        };
        assert_eq!(walked(format!("http://127.0.0.1:{port}/")).await, [("Connected", true)]);
        let named = walked(format!("http://localhost:{port}/")).await;
        assert_eq!(named[..1], [("Name resolved", true)]);
        drop(listener);
        assert_eq!(walked(format!("https://127.0.0.1:{port}/")).await, [("Connected", false)]);
    }
}
