//! Requests that are under way, so that the same one is sent once for all who ask it at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::Delivered;
use crate::egress::error::Error;
use crate::egress::fingerprint::Fingerprint;

/// What comes of a request, for everyone who waits for it.
pub(super) type Outcome = Result<Arc<Delivered>, Error>;
/// A request under way. It goes on as long as anybody waits for it, and no longer.
pub(super) type Flight = Shared<BoxFuture<'static, Outcome>>;

/// What makes a flight the same: the request, and the time that its guest gives it.
pub(super) type Destination = (Fingerprint, Duration);

/// The requests of one client that are under way.
#[derive(Default)]
pub(super) struct Flights(Arc<Mutex<UnderWay>>);

#[derive(Default)]
struct UnderWay {
    flights: HashMap<Destination, (u64, WeakShared<BoxFuture<'static, Outcome>>)>,
    /// Counts up: tells a flight from the one before it.
    next: u64,
}

impl Flights {
    /// The flight to this destination, and whether it was there already; `begin` makes one.
    pub(super) fn join(
        &self,
        destination: Destination,
        begin: impl FnOnce() -> BoxFuture<'static, Outcome>,
    ) -> (Flight, bool) {
        let mut under_way = lock(&self.0);
        let known = under_way.flights.get(&destination);
        if let Some(flight) = known.and_then(|(_number, flight)| flight.upgrade()) {
            return (flight, true);
        }
        let number = under_way.next;
        under_way.next += 1;
        let landing = Landing { under_way: Arc::clone(&self.0), destination, number };
        let begun = begin();
        let flight = async move {
            let _landing = landing;
            begun.await
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            under_way.flights.insert(destination, (number, weak));
        }
        (flight, false)
    }
}

/// Takes a flight off the list when it is over, or nobody waits for it any more.
struct Landing {
    under_way: Arc<Mutex<UnderWay>>,
    destination: Destination,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut under_way = lock(&self.under_way);
        // The next may have begun between the last one's going away and this.
        let is_own = under_way.flights.get(&self.destination);
        if is_own.is_some_and(|(number, _flight)| *number == self.number) {
            under_way.flights.remove(&self.destination);
        }
    }
}

fn lock(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}
