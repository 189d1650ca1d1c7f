//! What installed guests say about themselves, for those who choose one: known without loading any that was ever described.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::error::Error;
use super::loader::{Described, Job};
use super::shelf::{Guests, Stamp, outcome};
use crate::model::Description;

/// What is known of guests that were listed.
pub(super) struct Listing {
    known: Mutex<HashMap<String, Known>>,
    jobs: mpsc::UnboundedSender<Job<Described>>,
}

/// What a file says about itself.
struct Known {
    stamp: Stamp,
    /// None while it is looked up.
    described: watch::Receiver<Option<Described>>,
}

impl Listing {
    pub(super) fn new(jobs: mpsc::UnboundedSender<Job<Described>>) -> Self {
        Self { known: Mutex::default(), jobs }
    }

    /// What is known of a file, or begins to be looked up.
    fn look_up(&self, name: &str, stamp: Stamp) -> watch::Receiver<Option<Described>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(name).filter(|known| known.stamp == stamp) {
            let is_retried = match &*known.described.borrow() {
                Some(Err(error)) => error.is_of_host(),
                _ => false,
            };
            if !is_retried {
                return known.described.clone();
            }
        }
        let (done, described) = watch::channel(None);
        let path = stamp.path.clone();
        // The loader ends only with the process.
        let _asked = self.jobs.send(Job { name: name.to_owned(), path, done });
        let looked_up = Known { stamp, described: described.clone() };
        known.insert(name.to_owned(), looked_up);
        described
    }
}

impl Guests {
    /// What the guest with this name says about itself. It is loaded only if it was never described, and then not kept.
    pub async fn describe(&self, name: &str, deadline: Instant) -> Result<Arc<Description>, Error> {
        let not_loaded = |error| Error::NotLoaded { name: name.to_owned(), error };
        let stamp = match self.locate(name) {
            Ok(Some(stamp)) => stamp,
            Ok(None) => return Err(self.unknown(name)),
            Err(error) => return Err(not_loaded(Arc::new(error))),
        };
        match self.loaded(name, &stamp) {
            Some(Ok(guest)) => return Ok(Arc::new(guest.description().clone())),
            Some(Err(error)) => return Err(not_loaded(error)),
            None => {}
        }
        outcome(name, self.listing.look_up(name, stamp), deadline).await
    }
}
