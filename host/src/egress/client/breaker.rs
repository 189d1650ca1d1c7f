//! A circuit breaker: an API that fails again and again is left alone for a while, and those who ask it are told at once.
//!
//! A state for each origin. Time is passed in.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{BREAKER_FAILURES, BREAKER_ORIGINS_MAX, BREAKER_PAUSE_MAX, BREAKER_PAUSE_MIN};

/// The circuits of one client, by origin.
#[derive(Default)]
pub(super) struct Breaker(Mutex<HashMap<String, Circuit>>);

/// What is known of one origin.
#[derive(Debug, Default)]
struct Circuit {
    /// In a row.
    failures: u32,
    /// Why the last one failed, in words.
    cause: String,
    /// Until when nothing is sent, and how long that was from its beginning. None while the circuit is closed.
    open: Option<(Instant, Duration)>,
    /// When somebody was let through to try. One that did not come back is forgotten after a while.
    probe: Option<Instant>,
}

/// Why nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// Failures in a row.
    pub(super) failures: u32,
    /// Why the last one failed.
    pub(super) cause: String,
    /// Until the API is tried again.
    pub(super) again_in: Duration,
}

impl Breaker {
    /// Whether a request to the origin may be sent.
    pub(super) fn admit(&self, origin: &str, now: Instant) -> Result<(), Open> {
        let mut circuits = self.lock();
        let Some(circuit) = circuits.get_mut(origin) else { return Ok(()) };
        let Some((until, pause)) = circuit.open else { return Ok(()) };
        let is_probed = circuit.probe.is_some_and(|since| now < since + pause);
        if now >= until && !is_probed {
            circuit.probe = Some(now);
            return Ok(());
        }
        let again_in = until.saturating_duration_since(now);
        Err(Open { failures: circuit.failures, cause: circuit.cause.clone(), again_in })
    }

    /// The origin has answered like one that is well.
    pub(super) fn succeeded(&self, origin: &str) {
        self.lock().remove(origin);
    }

    /// The origin gave no answer, or one that says that it cannot.
    pub(super) fn failed(&self, origin: &str, cause: impl FnOnce() -> String, now: Instant) {
        let mut circuits = self.lock();
        if circuits.len() >= BREAKER_ORIGINS_MAX && !circuits.contains_key(origin) {
            return;
        }
        let circuit = circuits.entry(origin.to_owned()).or_default();
        circuit.failures = circuit.failures.saturating_add(1);
        circuit.cause = cause();
        circuit.open = match circuit.open {
            // Requests that were under way when it opened change nothing.
            Some((until, pause)) if now < until => Some((until, pause)),
            Some((_over, pause)) => {
                let pause = (pause * 2).min(BREAKER_PAUSE_MAX);
                Some((now + pause, pause))
            }
            None if circuit.failures >= BREAKER_FAILURES => {
                Some((now + BREAKER_PAUSE_MIN, BREAKER_PAUSE_MIN))
            }
            None => None,
        };
        circuit.probe = None;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Circuit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "https://api.example.com";

    fn fail(breaker: &Breaker, times: u32, now: Instant) {
        for _time in 0..times {
            breaker.failed(API, || "no".to_owned(), now);
        }
    }

    #[test]
    fn failures_in_a_row_open_the_circuit_and_one_success_between_them_does_not() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        fail(&breaker, BREAKER_FAILURES - 1, now);
        breaker.succeeded(API);
        fail(&breaker, BREAKER_FAILURES - 1, now);
        assert_eq!(breaker.admit(API, now), Ok(()));
        fail(&breaker, 1, now);
        let open = breaker.admit(API, now + Duration::from_secs(1)).unwrap_err();
        let again_in = BREAKER_PAUSE_MIN - Duration::from_secs(1);
        assert_eq!(open, Open { failures: BREAKER_FAILURES, cause: "no".to_owned(), again_in });
        assert_eq!(breaker.admit("https://other.example.com", now), Ok(()));
    }

    #[test]
    fn after_the_pause_one_is_let_through_and_its_success_closes_the_circuit() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        fail(&breaker, BREAKER_FAILURES, now);
        let then = now + BREAKER_PAUSE_MIN;
        assert_eq!(breaker.admit(API, then), Ok(()));
        assert!(breaker.admit(API, then).is_err(), "one at a time");
        breaker.succeeded(API);
        assert_eq!(breaker.admit(API, then), Ok(()));
    }

    #[test]
    fn a_probe_that_fails_doubles_the_pause_up_to_its_most() {
        let (breaker, mut now) = (Breaker::default(), Instant::now());
        fail(&breaker, BREAKER_FAILURES, now);
        let mut pause = BREAKER_PAUSE_MIN;
        for _probe in 0..10 {
            now += pause;
            assert_eq!(breaker.admit(API, now), Ok(()));
            fail(&breaker, 1, now);
            pause = (pause * 2).min(BREAKER_PAUSE_MAX);
            assert_eq!(breaker.admit(API, now).unwrap_err().again_in, pause);
        }
        assert_eq!(pause, BREAKER_PAUSE_MAX);
    }

    #[test]
    fn a_probe_that_never_comes_back_holds_up_the_next_for_no_longer_than_a_pause() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        fail(&breaker, BREAKER_FAILURES, now);
        let then = now + BREAKER_PAUSE_MIN;
        assert_eq!(breaker.admit(API, then), Ok(()));
        assert!(breaker.admit(API, then + BREAKER_PAUSE_MIN / 2).is_err());
        assert_eq!(breaker.admit(API, then + BREAKER_PAUSE_MIN), Ok(()));
    }

    #[test]
    fn what_was_under_way_when_the_circuit_opened_does_not_prolong_it() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        fail(&breaker, BREAKER_FAILURES + 20, now);
        assert_eq!(breaker.admit(API, now).unwrap_err().again_in, BREAKER_PAUSE_MIN);
    }
}
