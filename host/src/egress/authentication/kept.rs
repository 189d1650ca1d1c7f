//! A proof that holds for a while: fetched once for all who need it, and again when it holds no longer.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::egress::error::{Bound, Error, Phase};
use crate::limits::{TOKEN_FAILURE_TIME, TOKEN_LIFETIME_MAX, TOKEN_MARGIN, TOKEN_YOUNG};

/// One that is kept.
pub(super) struct Kept<T> {
    state: Mutex<State<T>>,
    /// Held by whoever fetches.
    fetching: tokio::sync::Mutex<()>,
}

struct State<T> {
    value: Option<Value<T>>,
    /// Why there is none, and since when. Whoever waited for it is told the same.
    failed: Option<(Error, Instant)>,
    generation: u64,
}

struct Value<T> {
    value: T,
    since: Instant,
    until: Option<Instant>,
}

/// What was fetched.
pub(super) struct Fetched<T> {
    pub(super) value: T,
    /// How long it holds, if that is known.
    pub(super) lifetime: Option<Duration>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let state = State { value: None, failed: None, generation: 0 };
        Self { state: Mutex::new(state), fetching: tokio::sync::Mutex::default() }
    }
}

impl<T: Clone> Kept<T> {
    /// The value, and which it is. If there is none, one of those who ask fetches it, and the others wait; if that one goes away,
    /// the next does.
    pub(super) async fn get<F>(
        &self,
        end: Instant,
        fetch: impl FnOnce() -> F,
    ) -> Result<(T, u64), Error>
    where
        F: Future<Output = Result<Fetched<T>, Error>>,
    {
        if let Some(known) = self.known() {
            return known;
        }
        let start = Instant::now();
        let late = |_elapsed| Error::TimedOut {
            endpoint: "the token server".to_owned(),
            after: start.elapsed(),
            phase: Phase::Response,
            bound: Bound::Query,
        };
        let _fetching = timeout_at(end, self.fetching.lock()).await.map_err(late)?;
        if let Some(known) = self.known() {
            return known;
        }
        let fetched = fetch().await;
        let mut state = self.lock();
        match fetched {
            Ok(Fetched { value, lifetime }) => {
                let since = Instant::now();
                // Some of its time is for the way to the API; of a short one, not all.
                let until = lifetime.map(|lifetime| {
                    let lifetime = lifetime.min(TOKEN_LIFETIME_MAX);
                    since + lifetime.saturating_sub(TOKEN_MARGIN.min(lifetime / 4))
                });
                state.generation += 1;
                state.failed = None;
                state.value = Some(Value { value: value.clone(), since, until });
                Ok((value, state.generation))
            }
            Err(error) => {
                // The end of one's own time is nobody else's.
                if !matches!(error, Error::TimedOut { bound: Bound::Query, .. }) {
                    state.failed = Some((error.clone(), Instant::now()));
                }
                Err(error)
            }
        }
    }

    /// The value that is there, whether it holds or not.
    pub(super) fn current(&self) -> Option<T> {
        self.lock().value.as_ref().map(|value| value.value.clone())
    }

    /// What is known now.
    pub(super) fn known(&self) -> Option<Result<(T, u64), Error>> {
        let state = self.lock();
        let now = Instant::now();
        if let Some(Value { value, until, .. }) = &state.value
            && until.is_none_or(|until| now < until)
        {
            return Some(Ok((value.clone(), state.generation)));
        }
        let (error, since) = state.failed.as_ref()?;
        (now < *since + TOKEN_FAILURE_TIME).then(|| Err(error.clone()))
    }

    /// Whether there is, or will be, a newer value than this one, which an API did not take. One that was fetched just now is not the
    /// reason.
    pub(super) fn is_outdated(&self, generation: u64) -> bool {
        let mut state = self.lock();
        if state.generation != generation {
            return true;
        }
        let is_young =
            state.value.as_ref().is_some_and(|value| value.since.elapsed() < TOKEN_YOUNG);
        if is_young {
            return false;
        }
        state.value = None;
        true
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
