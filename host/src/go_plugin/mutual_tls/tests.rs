//! Whole TLS handshakes in memory, with clients as go-plugin and others make them.

use std::pin::pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p521::ecdsa::signature::hazmat::RandomizedPrehashSigner as _;
use p521::elliptic_curve::rand_core::{self, CryptoRng, RngCore};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureAlgorithm, SignatureScheme,
    SupportedProtocolVersion,
};
use sha2::{Digest as _, Sha384, Sha512};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_stream as stream;

use super::*;

/// A certificate of go-plugin 1.8.0's making.
const GO_PLUGIN: &str = "\
-----BEGIN CERTIFICATE-----
MIICTzCCAbCgAwIBAgIQYWl1m9qKzsKAvwYuVJDBrTAKBggqhkjOPQQDBDAoMRIw
EAYDVQQKEwlIYXNoaUNvcnAxEjAQBgNVBAMTCWxvY2FsaG9zdDAgFw0yNjExMjUw
MDMxMzNaGA8yMDU2MTEyNDEyMzIwM1owKDESMBAGA1UEChMJSGFzaGlDb3JwMRIw
EAYDVQQDEwlsb2NhbGhvc3QwgZswEAYHKoZIzj0CAQYFK4EEACMDgYYABAATA7rT
xOvzTEaZ3Db/4KPih9AHV89sX7dV3doNtrA1+9KUuHO19M4osakrwh7NWlOEtjbQ
g4e/ZEC7eLNZ47kkawGYksirTNpQtYCazp7kjVXt4LBI4s2jpBzZ0FQN+3UlXg+J
2qry++aCzNgQiDEUZ7nBMRf3UP9rLig2kjffegwADKN3MHUwDgYDVR0PAQH/BAQD
AgKsMB0GA1UdJQQWMBQGCCsGAQUFBwMCBggrBgEFBQcDATAPBgNVHRMBAf8EBTAD
AQH/MB0GA1UdDgQWBBQ8HIglIKz/xBoGIyd/IV6P+6It7TAUBgNVHREEDTALggls
b2NhbGhvc3QwCgYIKoZIzj0EAwQDgYwAMIGIAkIBhCtln9Brb5ls0WauLO9ZQFtW
TwsTNy7wMrMDGmkMaHRBzLGuS+/1PmoP5PaCDA/8RM9tRS2lFsyogYUBH6pKIMcC
QgGYqXqCwoZcAQnsJMaC5b4R2mwCGKH0VeGL0PSmlZaGh66M596RMCGWa7Yg6G4N
UJhnwcjdAJdbEWm2p+wmiFf9Fg==
-----END CERTIFICATE-----
";
/// The key of [`GO_PLUGIN`].
const GO_PLUGIN_KEY: &str =
    "ACYuX0o91Rp9f4Bym5hZIhMR0Lf2Xf+nQ3MsPqsXyO8hSQjt+NzbrR7ExTLL/P0CEK6gK/EX1hbbe8Rh2WvbqiCh";

const BOTH_VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// A client's certificate and key.
type Identity = (CertificateDer<'static>, Arc<dyn SigningKey>);

fn of_kind(kind: &'static rcgen::SignatureAlgorithm) -> Identity {
    let key = KeyPair::generate_for(kind).unwrap();
    let certificate = CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    (certificate.der().clone(), ring::sign::any_supported_type(&key).unwrap())
}

/// go-plugin's client, in TLS 1.3 and, if the server prefers it, in TLS 1.2.
fn go_plugins() -> Identity {
    signing(&STANDARD.decode(GO_PLUGIN_KEY).unwrap(), SignatureScheme::ECDSA_NISTP521_SHA512)
}

/// In TLS 1.2 Go takes the server's first scheme.
fn go_plugins_with_sha384() -> Identity {
    signing(&STANDARD.decode(GO_PLUGIN_KEY).unwrap(), SignatureScheme::ECDSA_NISTP384_SHA384)
}

fn signing(key: &[u8], scheme: SignatureScheme) -> Identity {
    let certificate = ClientCertificate::from_pem(GO_PLUGIN).unwrap().0;
    (certificate, Arc::new(P521Key(key.to_vec(), scheme)))
}

/// A key that ring does not have, and how it signs.
#[derive(Clone, Debug)]
struct P521Key(Vec<u8>, SignatureScheme);

impl P521Key {
    fn key(&self) -> p521::ecdsa::SigningKey {
        p521::ecdsa::SigningKey::from_slice(&self.0).unwrap()
    }
}

impl SigningKey for P521Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&self.1).then(|| Box::new(P521Signer(self.clone(), self.1)) as _)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

#[derive(Debug)]
struct P521Signer(P521Key, SignatureScheme);

impl Signer for P521Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let hash = match self.1 {
            SignatureScheme::ECDSA_NISTP384_SHA384 => Sha384::digest(message).to_vec(),
            _ => Sha512::digest(message).to_vec(),
        };
        let signature: p521::ecdsa::Signature =
            self.0.key().sign_prehash_with_rng(&mut Random, &hash).unwrap();
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        self.1
    }
}

/// The operating system's.
struct Random;

impl CryptoRng for Random {}

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        getrandom::u32().unwrap()
    }

    fn next_u64(&mut self) -> u64 {
        getrandom::u64().unwrap()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

/// Takes the server that has this certificate, and does not look at its signature: that is not what is tested here.
#[derive(Debug)]
struct OneServer(Vec<u8>);

impl ServerCertVerifier for OneServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        assert_eq!(**end_entity, *self.0);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn server(client: &CertificateDer<'static>) -> MutualTls {
    MutualTls::new(&ClientCertificate(client.clone())).unwrap()
}

/// Shakes hands with a client of this identity, or of none. Some if the server lets it in.
async fn meet(
    server: &MutualTls,
    identity: Option<Identity>,
    version: &'static SupportedProtocolVersion,
) -> Option<()> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OneServer(server.certificate().to_vec())));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let identity = CertifiedKey::new(vec![certificate], key);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
        }
    };
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    let (near, far) = duplex(64 << 10);
    let client = async {
        let name = ServerName::try_from(NAME).unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, near).await.ok()?;
        stream.write_all(b"?").await.ok()?;
        let mut answer = [0];
        stream.read_exact(&mut answer).await.ok().filter(|_| answer == *b"!")
    };
    let served = async {
        let incoming = server.clone().accept(stream::iter([Ok::<_, io::Error>(far)]));
        let mut accepted: TlsStream<DuplexStream> = pin!(incoming).next().await?.unwrap();
        assert_eq!(accepted.get_ref().1.alpn_protocol(), Some(ALPN_HTTP2));
        let mut question = [0];
        accepted.read_exact(&mut question).await.unwrap();
        accepted.write_all(b"!").await.unwrap();
        accepted.flush().await.unwrap();
        Some(accepted)
    };
    let (answered, accepted) = tokio::join!(client, served);
    assert_eq!(answered.is_some(), accepted.is_some());
    accepted.map(drop)
}

#[tokio::test]
async fn the_one_client_is_let_in_whatever_its_key_is() {
    for make in [
        go_plugins,
        || of_kind(&PKCS_ECDSA_P256_SHA256),
        || of_kind(&PKCS_ECDSA_P384_SHA384),
        || of_kind(&PKCS_ED25519),
    ] {
        let identity = make();
        let server = server(&identity.0);
        for version in BOTH_VERSIONS {
            let met = meet(&server, Some(identity.clone()), version).await;
            assert_eq!(met, Some(()), "{version:?} {:?}", identity.1);
        }
    }
}

#[tokio::test]
async fn in_tls_1_2_a_p521_key_can_sign_with_a_smaller_hash() {
    let identity = go_plugins_with_sha384();
    let server = server(&identity.0);
    assert_eq!(meet(&server, Some(identity.clone()), &version::TLS12).await, Some(()));
    assert_eq!(meet(&server, Some(identity), &version::TLS13).await, None, "there it is fixed");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    for version in BOTH_VERSIONS {
        assert_eq!(meet(&server(&go_plugins().0), None, version).await, None);
    }
}

#[tokio::test]
async fn another_client_is_refused() {
    for version in BOTH_VERSIONS {
        let server = server(&go_plugins().0);
        let other = of_kind(&PKCS_ECDSA_P256_SHA256);
        assert_eq!(meet(&server, Some(other), version).await, None);
    }
}

#[tokio::test]
async fn the_certificate_without_its_key_is_refused() {
    let other = signing(&[vec![0], vec![7; 65]].concat(), SignatureScheme::ECDSA_NISTP521_SHA512);
    let server = server(&other.0);
    for version in BOTH_VERSIONS {
        assert_eq!(meet(&server, Some(other.clone()), version).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_keeps_nobody_out() {
    let server = server(&go_plugins().0);
    let (_silent, first) = duplex(1);
    let (gone, second) = duplex(1);
    drop(gone);
    let incoming = stream::iter([first, second].map(Ok::<_, io::Error>));
    let begun = tokio::time::Instant::now();
    assert!(pin!(server.accept(incoming)).next().await.is_none(), "neither is a client");
    assert_eq!(begun.elapsed(), TLS_HANDSHAKE_TIMEOUT);
}

#[test]
fn each_start_has_a_certificate_of_its_own() {
    let (client, _key) = go_plugins();
    let (one, other) = (server(&client), server(&client));
    assert_ne!(one.certificate(), other.certificate());
    let certificate = CertificateDer::from(one.certificate().to_vec());
    let certificate = webpki::EndEntityCert::try_from(&certificate).unwrap();
    certificate.verify_is_valid_for_subject_name(&ServerName::try_from(NAME).unwrap()).unwrap();
}

#[test]
fn more_than_one_certificate_is_refused() {
    let error = ClientCertificate::from_pem(&GO_PLUGIN.repeat(2)).unwrap_err();
    assert_eq!(error, ClientCertificateError::Count(2));
}
