//! Turns at the compiler: a few at the same time, and no component twice, whoever asks for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::cache::Digest;
use crate::limits::GUESTS_LOADING_MAX;

/// Gives out turns in the order in which they are asked for.
pub(super) struct Compilers {
    free: Arc<Semaphore>,
    /// Components that have a turn or wait for one.
    waiting: Mutex<HashMap<Digest, Weak<Turn<()>>>>,
}

/// A turn, until it is dropped.
pub(super) struct Compiling {
    _component: OwnedMutexGuard<()>,
    /// None if there is nobody left to give it.
    _free: Option<OwnedSemaphorePermit>,
}

impl Compilers {
    pub(super) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(GUESTS_LOADING_MAX)), waiting: Mutex::default() }
    }

    /// Waits for a turn. Whoever had the one before may have done what this one is for.
    pub(super) async fn turn(&self, digest: Digest) -> Compiling {
        let component = self.component(digest).lock_owned().await;
        Compiling {
            _component: component,
            // It is never closed.
            _free: Arc::clone(&self.free).acquire_owned().await.ok(),
        }
    }

    fn component(&self, digest: Digest) -> Arc<Turn<()>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = waiting.get(&digest).and_then(Weak::upgrade) {
            return turn;
        }
        waiting.retain(|_digest, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        waiting.insert(digest, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_component_is_compiled_by_one_at_a_time_and_all_by_a_few() {
        let compilers = Compilers::new();
        let [one, two, three] = [b"1", b"2", b"3"].map(|bytes| Digest::of(bytes));
        let first = compilers.turn(one).await;
        assert!(compilers.turn(one).now_or_never().is_none(), "the same");
        let _second = compilers.turn(two).await;
        assert!(compilers.turn(three).now_or_never().is_none(), "one more than a few");
        drop(first);
        assert!(compilers.turn(one).now_or_never().is_some());
        assert!(compilers.turn(three).now_or_never().is_some());
        assert!(compilers.waiting.lock().unwrap().len() <= 2, "those that are over are forgotten");
    }
}
