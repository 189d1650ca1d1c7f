//! What queries may use: time each, and memory all together.
//!
//! A query's memory is what the host holds for it: bodies that it read, the memory of its guest's calls, the columns that came of
//! them. When all that there is is used, a query waits instead of letting the process collapse:
//!
//! - one that holds nothing yet waits for its turn, and data sources take turns;
//! - one that holds some waits before all of those, the oldest first, because it gives back all the sooner;
//! - the oldest of these gets what it needs in any case, one at a time, so that two that wait for each other never do so for
//!   ever. So the process takes at most the budget and what one query may hold beyond.

mod gate;
mod lanes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

pub use gate::{Gate, NoTurn, Turn};
pub use lanes::{Lane, Lanes};

use crate::limits::{Limits, how_to_raise};

/// The memory of all queries.
#[derive(Debug)]
pub struct Budget {
    state: Mutex<State>,
    /// All there is, bytes.
    total: usize,
    /// Queries of one lane that may wait.
    waiting_max: usize,
}

/// What one query may use. Clones are the same query's.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// When its time is over.
    pub deadline: Instant,
    query: Arc<Query>,
}

/// Memory that a query holds until this is dropped.
#[derive(Debug)]
pub struct Hold {
    query: Arc<Query>,
    deadline: Instant,
    bytes: usize,
}

/// There is no memory for a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMemory {
    /// Others held it all until the query's time was over.
    #[error("the queries' memory of {0} bytes was used by others (limit memory_bytes)")]
    InTime(usize),
    /// Too many wait for it already.
    #[error("{0} queries of this data source wait for memory already (limit calls_waiting)")]
    Queue(usize),
}

impl NoMemory {
    /// What to do, as a sentence without its full stop.
    pub fn advice(&self) -> String {
        let key = match self {
            Self::InTime(_) => "memory_bytes",
            Self::Queue(_) => "calls_waiting",
        };
        format!("Try again in a moment, ask less at once, or {}", how_to_raise(key))
    }
}

#[derive(Debug)]
struct Query {
    budget: Arc<Budget>,
    lane: Lane,
    /// Counts up: who has a smaller one is older.
    number: u64,
    /// What it holds in all, bytes.
    held: AtomicUsize,
    /// What it holds to its end, bytes.
    kept: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// All there is, bytes.
    total: i64,
    /// What nobody holds, bytes; below zero if somebody got more than there is.
    free: i64,
    /// Who did.
    overdrawn_by: Option<u64>,
    /// Those that hold something already, by age; the second number tells the parts of a query apart.
    growing: BTreeMap<(u64, u64), Waiter>,
    /// Those that hold nothing yet.
    beginning: Lanes<Waiter>,
    /// The next query's number.
    next_query: u64,
    /// The next waiter's number.
    next_waiter: u64,
    /// The next lane's number.
    next_lane: u64,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    bytes: usize,
    served: oneshot::Sender<()>,
}

impl Budget {
    /// A budget of which nothing is used.
    pub fn new(limits: &Limits) -> Arc<Self> {
        let total = signed(limits.memory_bytes);
        // The first lane is the host's own.
        let state = Mutex::new(State { total, free: total, next_lane: 1, ..State::default() });
        Arc::new(Self { state, total: limits.memory_bytes, waiting_max: limits.calls_waiting })
    }

    /// A lane that nobody else has.
    pub fn lane(&self) -> Lane {
        let mut state = self.lock();
        state.next_lane += 1;
        Lane(state.next_lane - 1)
    }

    /// What a query that begins now may use.
    pub fn allow(self: &Arc<Self>, lane: Lane, deadline: Instant) -> Allowance {
        let mut state = self.lock();
        state.next_query += 1;
        let number = state.next_query;
        drop(state);
        let (held, kept) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let query = Arc::new(Query { budget: Arc::clone(self), lane, number, held, kept });
        Allowance { deadline, query }
    }

    /// What is held, bytes.
    pub fn held(&self) -> usize {
        let held = signed(self.total) - self.lock().free;
        usize::try_from(held).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, number: u64, bytes: usize, is_last: bool) {
        let mut state = self.lock();
        state.free += signed(bytes);
        if state.free >= 0 || (is_last && state.overdrawn_by == Some(number)) {
            state.overdrawn_by = None;
        }
        state.serve();
    }
}

impl Allowance {
    /// What tells the query from all others.
    pub fn number(&self) -> u64 {
        self.query.number
    }

    /// Whose query it is.
    pub fn lane(&self) -> Lane {
        self.query.lane
    }

    /// Nothing yet, to be added to.
    pub fn hold(&self) -> Hold {
        Hold { query: Arc::clone(&self.query), deadline: self.deadline, bytes: 0 }
    }

    /// Holds to the query's end what is there already.
    pub fn keep(&self, bytes: usize) {
        self.query.kept.fetch_add(bytes, Ordering::Relaxed);
        self.query.charge(bytes);
    }
}

impl Hold {
    /// Holds more, as soon as it can be had.
    pub async fn take(&mut self, bytes: usize) -> Result<(), NoMemory> {
        if bytes > 0 {
            self.query.take(bytes, self.deadline).await?;
            self.bytes += bytes;
        }
        Ok(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.bytes > 0 {
            let left = self.query.held.fetch_sub(self.bytes, Ordering::Relaxed) - self.bytes;
            self.query.budget.give_back(self.query.number, self.bytes, left == 0);
        }
    }
}

impl Query {
    async fn take(&self, bytes: usize, deadline: Instant) -> Result<(), NoMemory> {
        let Some(mut place) = self.take_or_wait(bytes)? else { return Ok(()) };
        match timeout_at(deadline, &mut place.served).await {
            // A turn that comes at the last moment is a turn. The sender is not dropped before it.
            Ok(_served) => place.is_over = true,
            Err(_elapsed) if place.served.try_recv().is_ok() => place.is_over = true,
            Err(_elapsed) => return Err(NoMemory::InTime(self.budget.total)),
        }
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Takes what is there, or a place in the queue.
    fn take_or_wait(&self, bytes: usize) -> Result<Option<Place<'_>>, NoMemory> {
        let mut state = self.budget.lock();
        let is_growing = self.held.load(Ordering::Relaxed) > 0;
        let is_next = state.growing.is_empty() && (is_growing || state.beginning.peek().is_none());
        if is_next && (state.free >= signed(bytes) || state.free >= state.total) {
            state.free -= signed(bytes);
            self.held.fetch_add(bytes, Ordering::Relaxed);
            return Ok(None);
        }
        let waiting_max = self.budget.waiting_max;
        if !is_growing && state.beginning.waiting_in(self.lane) >= waiting_max {
            return Err(NoMemory::Queue(waiting_max));
        }
        let (tell, served) = oneshot::channel();
        state.next_waiter += 1;
        let waiter = Waiter { number: state.next_waiter, bytes, served: tell };
        let place =
            Place { query: self, number: waiter.number, bytes, is_growing, is_over: false, served };
        if is_growing {
            state.growing.insert((self.number, waiter.number), waiter);
        } else {
            state.beginning.push(self.lane, waiter);
        }
        state.serve();
        Ok(Some(place))
    }

    /// Counts what is held already, whether there is room for it or not.
    fn charge(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.budget.lock().free -= signed(bytes);
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        let kept = *self.kept.get_mut();
        if kept > 0 {
            self.budget.give_back(self.number, kept, true);
        }
    }
}

/// A place in the queue, which is given up if nobody waits in it any more.
struct Place<'a> {
    query: &'a Query,
    number: u64,
    bytes: usize,
    is_growing: bool,
    is_over: bool,
    served: oneshot::Receiver<()>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.query.budget.lock();
        if self.is_growing {
            state.growing.remove(&(self.query.number, self.number));
        } else {
            state.beginning.retain(self.query.lane, |waiter| waiter.number != self.number);
        }
        drop(state);
        // It may have been served in the meantime, and who comes next may be served now.
        let served = if self.served.try_recv().is_ok() { self.bytes } else { 0 };
        let is_last = self.query.held.load(Ordering::Relaxed) == 0;
        self.query.budget.give_back(self.query.number, served, is_last);
    }
}

impl State {
    /// Gives what there is to those who wait.
    fn serve(&mut self) {
        while !self.growing.is_empty() {
            // Whoever has more than there is goes on having it, or all would wait for it.
            let next = match self.overdrawn_by {
                Some(query) => self.growing.range((query, 0)..=(query, u64::MAX)).next(),
                None => self.growing.first_key_value(),
            };
            let Some(place @ (query, _waiter)) = next.map(|(place, _waiter)| *place) else {
                return;
            };
            let Some(waiter) = self.growing.remove(&place) else { return };
            if self.give(waiter) && self.free < 0 {
                self.overdrawn_by = Some(query);
            }
        }
        // Who asks for more than there is at all is served when nobody else holds anything.
        let fits = |state: &Self, waiter: &Waiter| {
            state.free >= signed(waiter.bytes) || state.free >= state.total
        };
        while self.beginning.peek().is_some_and(|waiter| fits(self, waiter)) {
            let Some((_lane, waiter)) = self.beginning.pop(|_lane| true) else { return };
            self.give(waiter);
        }
    }

    /// Whether it was taken.
    fn give(&mut self, waiter: Waiter) -> bool {
        let is_taken = waiter.served.send(()).is_ok();
        if is_taken {
            self.free -= signed(waiter.bytes);
        }
        is_taken
    }
}

/// No machine has more than this.
fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
