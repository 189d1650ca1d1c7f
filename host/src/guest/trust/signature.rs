//! Signatures of minisign (<https://jedisct1.github.io/minisign/>): `things.wasm.minisig` beside `things.wasm`.

use std::fmt;

use minisign_verify::{Error, PublicKey, Signature};

/// A public key of minisign's: whose signatures count.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureKey(PublicKey);

/// Why a signature does not count. Reads as the end of "its signature /guests/things.wasm.minisig ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not as minisign writes it.
    #[error("is not one of minisign's")]
    Malformed,
    /// Made with a key that nobody configured.
    #[error("is by none of the keys in 'signature_keys'")]
    UnknownKey,
    /// Signs the file itself and not its hash, as minisign did long ago.
    #[error(
        "is of minisign's old form, without hashing before (`minisign -S -H` makes the new one)"
    )]
    Legacy,
    /// Made for something else.
    #[error("is not for this file: the file, or the signature, was changed")]
    Invalid,
}

impl SignatureKey {
    /// Reads a key: the second line of minisign's `.pub` file.
    pub fn parse(text: &str) -> Option<Self> {
        PublicKey::from_base64(text).ok().map(Self)
    }
}

impl fmt::Debug for SignatureKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignatureKey").finish_non_exhaustive()
    }
}

/// Whether `signature`, the text of a signature's file, is for `component` and by one of the keys.
///
/// The old form is refused, as the documentation of minisign-verify advises for whoever has no old signatures to support.
pub(super) fn verify(
    component: &[u8],
    signature: &[u8],
    keys: &[SignatureKey],
) -> Result<(), SignatureError> {
    let text = std::str::from_utf8(signature).map_err(|_| SignatureError::Malformed)?;
    let signature = Signature::decode(text).map_err(|_| SignatureError::Malformed)?;
    let mut refused = SignatureError::UnknownKey;
    for SignatureKey(key) in keys {
        refused = match key.verify(component, &signature, false) {
            Ok(()) => return Ok(()),
            Err(Error::UnexpectedKeyId) => continue,
            Err(Error::UnexpectedAlgorithm) => SignatureError::Legacy,
            Err(_) => SignatureError::Invalid,
        };
    }
    Err(refused)
}
