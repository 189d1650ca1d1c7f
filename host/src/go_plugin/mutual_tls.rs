//! Mutual TLS as go-plugin does it (AutoMTLS, contract section 1.5): both sides make a certificate for this one start and
//! tell it to each other, the client by `PLUGIN_CLIENT_CERT`, this process by its handshake. Each then speaks with the
//! other's certificate and with nobody else.

mod verifier;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;

use futures_util::StreamExt as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::Stream;

use self::verifier::OneClient;
use crate::limits::{TLS_HANDSHAKE_TIMEOUT, TLS_HANDSHAKES_IN_FLIGHT_MAX};

/// The name in both certificates, which go-plugin's client insists on.
const NAME: &str = "localhost";

/// HTTP/2 in TLS's words. Go's gRPC hangs up on a server that does not say it.
const ALPN_HTTP2: &[u8] = b"h2";

/// The certificate of the only client that may speak with this process.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate(CertificateDer<'static>);

/// Why a text is no client's certificate.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ClientCertificateError {
    /// Not one PEM block.
    #[error("it holds {0} certificates in PEM, which has to be one")]
    Count(usize),
    /// The block cannot be read.
    #[error("what it holds is no PEM ({0})")]
    Pem(String),
    /// Something else is in it.
    #[error("what its PEM holds is no X.509 certificate ({0})")]
    Certificate(String),
}

/// This process has no certificate of its own.
#[derive(Debug, thiserror::Error)]
#[error("no certificate for mutual TLS can be made")]
pub struct MutualTlsError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// This process's side: its certificate and key, and whom it lets in.
#[derive(Clone)]
pub struct MutualTls {
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

impl ClientCertificate {
    /// Reads the value of `PLUGIN_CLIENT_CERT`.
    pub(super) fn from_pem(pem: &str) -> Result<Self, ClientCertificateError> {
        let blocks: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let blocks = blocks.map_err(|error| ClientCertificateError::Pem(error.to_string()))?;
        let [certificate] = blocks.as_slice() else {
            return Err(ClientCertificateError::Count(blocks.len()));
        };
        webpki::EndEntityCert::try_from(certificate)
            .map_err(|error| ClientCertificateError::Certificate(error.to_string()))?;
        Ok(Self(certificate.clone()))
    }
}

/// A certificate in full helps nobody who reads a log.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClientCertificate({} bytes)", self.0.len())
    }
}

impl fmt::Debug for MutualTls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MutualTls")
    }
}

impl MutualTls {
    /// Makes a key and a certificate for this start.
    pub fn new(client: &ClientCertificate) -> Result<Self, MutualTlsError> {
        let (certificate, key) = one_time().map_err(|error| MutualTlsError(error.into()))?;
        let only = OneClient(client.0.clone());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map(|builder| builder.with_client_cert_verifier(Arc::new(only)))
            .and_then(|builder| builder.with_single_cert(vec![certificate.clone()], key));
        let mut config = config.map_err(|error| MutualTlsError(error.into()))?;
        config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// This process's certificate, DER.
    pub(super) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Connections after their TLS handshakes, of which several are under way at a time: a client that says nothing does not
    /// keep out the next.
    pub(super) fn accept<C: AsyncRead + AsyncWrite + Unpin>(
        self,
        incoming: impl Stream<Item = io::Result<C>>,
    ) -> impl Stream<Item = io::Result<TlsStream<C>>> {
        let handshakes = incoming.map(move |connection| {
            let acceptor = self.acceptor.clone();
            async move {
                match connection {
                    Ok(connection) => handshake(&acceptor, connection).await.map(Ok),
                    Err(error) => Some(Err(error)),
                }
            }
        });
        handshakes
            .buffer_unordered(TLS_HANDSHAKES_IN_FLIGHT_MAX)
            .filter_map(async |connection| connection)
    }
}

async fn handshake<C: AsyncRead + AsyncWrite + Unpin>(
    acceptor: &TlsAcceptor,
    connection: C,
) -> Option<TlsStream<C>> {
    match timeout(TLS_HANDSHAKE_TIMEOUT, acceptor.accept(connection)).await {
        Ok(Ok(connection)) => return Some(connection),
        Ok(Err(error)) => tracing::warn!(%error, "A connection is refused: mutual TLS failed"),
        Err(_elapsed) => {
            tracing::warn!("A connection is refused: its TLS handshake took too long");
        }
    }
    None
}

/// A certificate as go-plugin's server makes it, but for a P-256 key, which every TLS library has.
///
/// rcgen's default validity, from 1975 to 4096, stays: who knows the certificate itself needs no dates, and no clock to agree on
/// them.
fn one_time() -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([NAME.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, NAME);
    // The client trusts this certificate as a root of its own.
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::KeyAgreement,
        KeyUsagePurpose::KeyCertSign,
    ];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key)?.der().clone();
    Ok((certificate, PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
}
