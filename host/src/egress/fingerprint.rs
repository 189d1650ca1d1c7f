//! What makes two requests the same: so much that one answer will do for both, whoever asks.

use sha2::{Digest as _, Sha256};

use super::credentials::Prepared;

/// The identity of a request of one client. Equal only if an API would see the same, so that what belongs to one user is never another's:
/// a cryptographic digest, because who asks chooses what is digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a request as it is before anything joins it that is the same for all callers of the `client`: tokens, signatures, trace
    /// headers.
    pub(super) fn of(client: u64, prepared: &Prepared) -> Self {
        let mut digest = Sha256::new();
        digest.update(client.to_le_bytes());
        // Each part with its length before it, so that no two requests run together to the same bytes.
        let mut add = |part: &[u8]| {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        };
        add(prepared.method.as_str().as_bytes());
        add(prepared.url.as_str().as_bytes());
        add(&prepared.body);
        for (name, value) in &prepared.headers {
            add(name.as_str().as_bytes());
            add(value.as_bytes());
        }
        Self(digest.finalize().into())
    }
}
