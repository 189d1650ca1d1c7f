//! How many are at work at the same time: so many in all, and so many of one lane, so that what never comes to an end leaves room for
//! others. Calls of guests pass one, where each data source has a lane; the exchanges of a data source another, where each query has.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::Lanes;

/// Where those wait whose turn it is not.
pub struct Gate<K: Copy + Eq + Hash> {
    state: Mutex<State<K>>,
    /// How many of one lane may be at work.
    each: usize,
    /// How many of one lane may wait.
    waiting_max: usize,
}

/// Its holder may be at work until this is dropped.
pub struct Turn<K: Copy + Eq + Hash> {
    /// None once it was given back.
    gate: Option<Arc<Gate<K>>>,
    lane: K,
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTurn {
    /// None in its time.
    Late,
    /// So many of its lane wait already.
    Queue(usize),
}

struct State<K: Copy + Eq + Hash> {
    free: usize,
    /// How many are at work, by lane; none is not there.
    working: HashMap<K, usize>,
    waiting: Lanes<oneshot::Sender<Turn<K>>, K>,
}

impl<K: Copy + Eq + Hash> Gate<K> {
    /// A gate for so many in all, and so many of `each` lane.
    pub fn new(all: usize, each: usize, waiting_max: usize) -> Arc<Self> {
        let state = State { free: all, working: HashMap::new(), waiting: Lanes::default() };
        Arc::new(Self { state: Mutex::new(state), each, waiting_max })
    }

    /// Waits for a turn.
    pub async fn turn(self: &Arc<Self>, lane: K, deadline: Instant) -> Result<Turn<K>, NoTurn> {
        let turn = match self.now_or_later(lane)? {
            Ok(turn) => return Ok(turn),
            Err(later) => timeout_at(deadline, later).await,
        };
        // The sender is not dropped before it sends.
        turn.ok().and_then(Result::ok).ok_or(NoTurn::Late)
    }

    fn now_or_later(
        self: &Arc<Self>,
        lane: K,
    ) -> Result<Result<Turn<K>, oneshot::Receiver<Turn<K>>>, NoTurn> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.may(lane, self.each) {
            state.admit(lane);
            return Ok(Ok(Turn { gate: Some(Arc::clone(self)), lane }));
        }
        if state.waiting.waiting_in(lane) >= self.waiting_max {
            state.waiting.retain(lane, |waiter| !waiter.is_closed());
            if state.waiting.waiting_in(lane) >= self.waiting_max {
                return Err(NoTurn::Queue(self.waiting_max));
            }
        }
        let (tell, later) = oneshot::channel();
        state.waiting.push(lane, tell);
        Ok(Err(later))
    }

    /// Ends a turn; the next has it, unless it went away.
    fn over(self: &Arc<Self>, mut lane: K) {
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.leave(lane);
            let State { free, working, waiting } = &mut *state;
            let may = |lane| *free > 0 && State::working_in(working, lane) < self.each;
            let Some((next, tell)) = waiting.pop(may) else { return };
            state.admit(next);
            drop(state);
            match tell.send(Turn { gate: Some(Arc::clone(self)), lane: next }) {
                Ok(()) => return,
                Err(mut turn) => {
                    // Its drop would come back here.
                    turn.gate = None;
                    lane = turn.lane;
                }
            }
        }
    }
}

impl<K: Copy + Eq + Hash> State<K> {
    fn may(&self, lane: K, each: usize) -> bool {
        self.free > 0 && Self::working_in(&self.working, lane) < each
    }

    fn working_in(working: &HashMap<K, usize>, lane: K) -> usize {
        working.get(&lane).copied().unwrap_or_default()
    }

    fn admit(&mut self, lane: K) {
        self.free -= 1;
        *self.working.entry(lane).or_default() += 1;
    }

    fn leave(&mut self, lane: K) {
        self.free += 1;
        if let Some(working) = self.working.get_mut(&lane) {
            *working -= 1;
            if *working == 0 {
                self.working.remove(&lane);
            }
        }
    }
}

impl<K: Copy + Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.over(self.lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ONE: char = '1';
    const OTHER: char = '2';
    const THIRD: char = '3';

    /// A turn within a second.
    async fn turn(gate: &Arc<Gate<char>>, lane: char) -> Result<Turn<char>, NoTurn> {
        gate.turn(lane, Instant::now() + Duration::from_secs(1)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_data_source_whose_calls_never_end_leaves_turns_to_others() {
        let gate = Gate::new(3, 2, 10);
        let _first = turn(&gate, ONE).await.ok().unwrap();
        let _second = turn(&gate, ONE).await.ok().unwrap();
        assert_eq!(turn(&gate, ONE).await.err(), Some(NoTurn::Late));
        let of_other = turn(&gate, OTHER).await.ok().unwrap();
        assert_eq!(turn(&gate, THIRD).await.err(), Some(NoTurn::Late), "all are taken");
        drop(of_other);
        assert!(turn(&gate, THIRD).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn turns_go_round_the_data_sources_and_pass_over_those_that_went_away() {
        let gate = Gate::new(1, 1, 10);
        let first = turn(&gate, ONE).await.ok().unwrap();
        let waiting = |lane| gate.now_or_later(lane).unwrap().err().unwrap();
        let (mut again, gone, mut last) = (waiting(ONE), waiting(OTHER), waiting(THIRD));
        let mut once_more = waiting(ONE);
        drop(gone);
        drop(first);
        let turn = again.try_recv().unwrap();
        assert!(last.try_recv().is_err());
        drop(turn);
        let turn = last.try_recv().unwrap();
        assert!(once_more.try_recv().is_err());
        drop(turn);
        assert!(once_more.try_recv().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_has_an_end_and_forgets_those_that_went_away() {
        let gate = Gate::new(1, 1, 2);
        let _first = turn(&gate, ONE).await.ok().unwrap();
        let waiting = || gate.now_or_later(ONE);
        let (second, _third) = (waiting().unwrap().err(), waiting().unwrap().err());
        assert_eq!(waiting().err(), Some(NoTurn::Queue(2)));
        assert_eq!(turn(&gate, OTHER).await.err(), Some(NoTurn::Late), "others may still wait");
        drop(second);
        assert!(waiting().is_ok());
    }
}
