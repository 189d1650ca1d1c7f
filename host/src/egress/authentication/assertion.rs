//! Signed assertions (RFC 7519, RFC 7523) for token servers: written by the crate jsonwebtoken, signed by ring like everything else.

use std::sync::Once;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode, signature};
use ring::rand::SystemRandom;
use ring::signature as rings;
use serde::Serialize;

use crate::egress::settings::{self, SettingsError};

/// What signs assertions, and what they say.
pub(super) struct Assertion {
    header: Header,
    key: EncodingKey,
    given: settings::Assertion,
}

/// The claims of RFC 7523, section 3.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    /// Two in the same second have to differ for servers that take each once.
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

impl Assertion {
    /// Reads the key, so that one that is none is told when the datasource is made.
    pub(super) fn new(given: &settings::Assertion) -> Result<Self, SettingsError> {
        install_provider();
        let algorithm: Algorithm = given
            .algorithm
            .parse()
            .map_err(|_unknown| SettingsError::Algorithm { name: given.algorithm.clone() })?;
        let pem = given.key.expose().as_bytes();
        let key = match algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                Ok(EncodingKey::from_secret(pem))
            }
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem),
            _ => EncodingKey::from_rsa_pem(pem),
        };
        let name = given.algorithm.clone();
        let key = key.map_err(|_no_key| SettingsError::PrivateKey { algorithm: name.clone() })?;
        let mut header = Header::new(algorithm);
        header.kid = Some(given.key_id.clone()).filter(|id| !id.is_empty());
        let assertion = Self { header, key, given: given.clone() };
        // What signs nothing now signs nothing later.
        match assertion.sign(UNIX_EPOCH, None) {
            Some(_signed) => Ok(assertion),
            None => Err(SettingsError::PrivateKey { algorithm: name }),
        }
    }

    /// An assertion that holds from `now` on.
    pub(super) fn sign(&self, now: SystemTime, scope: Option<&str>) -> Option<String> {
        let settings::Assertion { issuer, subject, audience, lifetime, .. } = &self.given;
        let iat = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let claims = Claims {
            iss: issuer,
            sub: if subject.is_empty() { issuer } else { subject },
            aud: audience,
            iat,
            exp: iat + lifetime.as_secs(),
            jti: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            scope,
        };
        encode(&self.header, &claims, &self.key).ok()
    }
}

/// jsonwebtoken is built without cryptography; this process uses ring.
fn install_provider() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: signer,
        verifier_factory: no_verifier,
        key_utils: KeyUtils::new_unimplemented(),
    };
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error says that somebody was faster, with the same provider.
        let _installed = PROVIDER.install_default();
    });
}

struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    Ok(Box::new(Signer { algorithm: *algorithm, key: key.clone() }))
}

/// Nothing here is verified: tokens are for the API to judge.
fn no_verifier(
    _algorithm: &Algorithm,
    _key: &DecodingKey,
) -> Result<Box<dyn JwtVerifier>, JwtError> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

impl JwtSigner for Signer {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl signature::Signer<Vec<u8>> for Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        use Algorithm::{
            ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512,
        };
        let key = self.key.as_bytes();
        let signed = match self.algorithm {
            HS256 => Some(mac(ring::hmac::HMAC_SHA256, key, message)),
            HS384 => Some(mac(ring::hmac::HMAC_SHA384, key, message)),
            HS512 => Some(mac(ring::hmac::HMAC_SHA512, key, message)),
            RS256 => rsa(&rings::RSA_PKCS1_SHA256, key, message),
            RS384 => rsa(&rings::RSA_PKCS1_SHA384, key, message),
            RS512 => rsa(&rings::RSA_PKCS1_SHA512, key, message),
            PS256 => rsa(&rings::RSA_PSS_SHA256, key, message),
            PS384 => rsa(&rings::RSA_PSS_SHA384, key, message),
            PS512 => rsa(&rings::RSA_PSS_SHA512, key, message),
            ES256 => ecdsa(&rings::ECDSA_P256_SHA256_FIXED_SIGNING, key, message),
            ES384 => ecdsa(&rings::ECDSA_P384_SHA384_FIXED_SIGNING, key, message),
            EdDSA => rings::Ed25519KeyPair::from_pkcs8_maybe_unchecked(key)
                .ok()
                .map(|pair| pair.sign(message).as_ref().to_vec()),
            _ => None,
        };
        signed.ok_or_else(signature::Error::new)
    }
}

fn mac(algorithm: ring::hmac::Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    ring::hmac::sign(&ring::hmac::Key::new(algorithm, key), message).as_ref().to_vec()
}

fn rsa(padding: &'static dyn rings::RsaEncoding, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let pair = rings::RsaKeyPair::from_der(key).ok()?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut signature).ok()?;
    Some(signature)
}

fn ecdsa(
    algorithm: &'static rings::EcdsaSigningAlgorithm,
    key: &[u8],
    message: &[u8],
) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let pair = rings::EcdsaKeyPair::from_pkcs8(algorithm, key, &random).ok()?;
    pair.sign(&random, message).ok().map(|signature| signature.as_ref().to_vec())
}
