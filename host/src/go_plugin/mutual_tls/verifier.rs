//! Who the one client is: whoever holds the key of the certificate that was told.
//!
//! go-plugin's client has a P-521 key, whose signatures ring cannot verify, and a certificate that calls itself an authority,
//! which webpki refuses at the end of a chain. So there is no chain: the certificate has to be the very one, byte for byte, which
//! is stricter than a chain, and what is left to verify is the handshake's signature.

use p521::ecdsa::signature::Verifier as _;
use p521::ecdsa::signature::hazmat::PrehashVerifier as _;
use p521::ecdsa::{Signature, VerifyingKey};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
    UnixTime, alg_id,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use sha2::{Digest as _, Sha384};
use webpki::ring;

/// How a client may sign.
///
/// In TLS 1.3 a scheme names its curve, which is the first of its list. In TLS 1.2 it only names the hash, and a client takes the
/// first scheme that its key can do: so the first is one that all of the three curves can.
static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        ring::ECDSA_P256_SHA256,
        ring::ECDSA_P256_SHA384,
        ring::ECDSA_P384_SHA256,
        ring::ECDSA_P384_SHA384,
        &P521_SHA384,
        &P521_SHA512,
        ring::ED25519,
    ],
    mapping: &[
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[ring::ECDSA_P384_SHA384, ring::ECDSA_P256_SHA384, &P521_SHA384],
        ),
        (SignatureScheme::ECDSA_NISTP521_SHA512, &[&P521_SHA512]),
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[ring::ECDSA_P256_SHA256, ring::ECDSA_P384_SHA256],
        ),
        (SignatureScheme::ED25519, &[ring::ED25519]),
    ],
};

/// Lets in the holder of this certificate's key, and nobody else.
#[derive(Debug)]
pub(super) struct OneClient(pub(super) CertificateDer<'static>);

impl ClientCertVerifier for OneClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if *end_entity == self.0 {
            Ok(ClientCertVerified::assertion())
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
        verify_tls12_signature(message, certificate, signature, &ALGORITHMS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &ALGORITHMS)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ALGORITHMS.supported_schemes()
    }
}

static P521_SHA384: P521 = P521 { signature: alg_id::ECDSA_SHA384, verify: sha384 };
static P521_SHA512: P521 = P521 { signature: alg_id::ECDSA_SHA512, verify: sha512 };

/// ECDSA on the curve P-521.
#[derive(Debug)]
struct P521 {
    signature: AlgorithmIdentifier,
    verify: fn(&VerifyingKey, &[u8], &Signature) -> p521::ecdsa::Result<()>,
}

fn sha384(key: &VerifyingKey, message: &[u8], signature: &Signature) -> p521::ecdsa::Result<()> {
    key.verify_prehash(&Sha384::digest(message), signature)
}

/// The curve's own hash.
fn sha512(key: &VerifyingKey, message: &[u8], signature: &Signature) -> p521::ecdsa::Result<()> {
    key.verify(message, signature)
}

impl SignatureVerificationAlgorithm for P521 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let invalid = |_error| InvalidSignature;
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(invalid)?;
        let signature = Signature::from_der(signature).map_err(invalid)?;
        (self.verify)(&key, message, &signature).map_err(invalid)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}
