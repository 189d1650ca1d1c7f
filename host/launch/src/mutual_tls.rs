//! go-plugin's AutoMTLS, the client's side: contract section 1.5. Grafana leaves it off.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme, version,
};
use tokio_rustls::TlsConnector;

/// The name that go-plugin expects in a plugin's certificate.
pub(crate) const NAME: &str = "localhost";

/// A certificate for one start, and its key: of P-256, where go-plugin's is of P-521, which ring cannot make.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Identity {
    pub(crate) fn make() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new([NAME.to_owned()])?;
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self { certificate, key: key.serialize_der().into() })
    }

    /// The certificate as `PLUGIN_CLIENT_CERT` holds it.
    pub(crate) fn pem(&self) -> String {
        let text = STANDARD.encode(&self.certificate);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|from| &text[from..text.len().min(from + 64)])
            .collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    /// Connects to the holder of this certificate and to nobody else.
    pub(crate) fn connector(&self, server: &[u8]) -> Result<TlsConnector, Error> {
        let provider = Arc::new(ring::default_provider());
        let only = OneServer(CertificateDer::from(server.to_vec()), Arc::clone(&provider));
        let key = PrivateKeyDer::Pkcs8(self.key.clone_key());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(only))
            .with_client_auth_cert(vec![self.certificate.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// Takes the server whose certificate the handshake told. It calls itself an authority, which webpki refuses in a server's; Go
/// takes it because it is its own root.
struct OneServer(CertificateDer<'static>, Arc<CryptoProvider>);

impl fmt::Debug for OneServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OneServer")
    }
}

impl ServerCertVerifier for OneServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.1.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.1.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}
