//! On whose behalf requests are sent, with what, and where it is noted what came of them.

use std::sync::{Mutex, PoisonError};

use crate::budget::Allowance;
use crate::model::{Caller, Exchange, Origin};

/// What all requests of one query have in common.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Time and memory.
    pub allowance: &'a Allowance,
    /// Where each exchange is noted.
    pub journal: &'a Journal,
    /// What answer will do.
    pub demand: Demand,
}

/// What answer will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Any that may be given.
    Any,
    /// One that is not older than the request, as for whoever waits for a change: nothing comes from the cache.
    New,
    /// The API's own, as for "Save & test": it is shared with nobody either, and a circuit that is open keeps nothing back.
    Own,
}

/// The exchanges of one query, in the order of their ends.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Vec<Exchange>>);

impl Journal {
    /// Notes an exchange.
    pub(super) fn note(&self, exchange: Exchange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }

    /// Whether any response so far came from there.
    pub fn has(&self, origin: Origin) -> bool {
        let exchanges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        exchanges.iter().any(|exchange| exchange.origin == origin)
    }

    /// What was noted so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
