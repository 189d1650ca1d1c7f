//! Refresh tokens that servers have changed: from then on the first one, which is all that the settings have, is good for nothing.
//!
//! They are the process's, so that a data source whose settings were saved, or whose guest was replaced, goes on with the latest. Only who
//! has the first one finds it. When the process ends they are lost.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use url::Url;

use crate::limits::ROTATIONS_MAX;
use crate::model::Secret;

static LATEST: Mutex<BTreeMap<[u8; 32], Secret>> = Mutex::new(BTreeMap::new());

/// Where the latest refresh token is that came of a first one.
pub(super) struct Rotation([u8; 32]);

impl Rotation {
    /// That of a client at a token server.
    pub(super) fn of(token_url: &Url, client_id: &str, first: &Secret) -> Self {
        let mut digest = Sha256::new();
        for part in [token_url.as_str(), client_id, first.expose()] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    /// The latest; none if it is still the first.
    pub(super) fn latest(&self) -> Option<Secret> {
        lock().get(&self.0).cloned()
    }

    /// Keeps the one that is good from now on.
    pub(super) fn remember(&self, token: Secret) {
        let mut latest = lock();
        if latest.len() >= ROTATIONS_MAX && !latest.contains_key(&self.0) {
            // Whose it is is chance.
            latest.pop_first();
        }
        latest.insert(self.0, token);
    }

    /// Goes back to the first.
    pub(super) fn forget(&self) {
        lock().remove(&self.0);
    }
}

fn lock() -> MutexGuard<'static, BTreeMap<[u8; 32], Secret>> {
    LATEST.lock().unwrap_or_else(PoisonError::into_inner)
}
