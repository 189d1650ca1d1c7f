//! How many calls are at work at the same time: so many in all, and so many of one data source, so that a guest that never comes to
//! an end leaves room for others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::budget::{Allowance, Lane, Lanes};

/// Where calls wait for their turn.
pub(super) struct Gate {
    state: Mutex<State>,
    /// Calls of one lane that may be at work.
    each: usize,
    /// Calls of one lane that may wait.
    waiting_max: usize,
}

/// A call may be at work until this is dropped.
pub(super) struct Turn {
    /// None once it was given back.
    gate: Option<Arc<Gate>>,
    lane: Lane,
}

/// Why a call has no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// None in its time.
    Late,
    /// So many of its lane wait already.
    Queue(usize),
}

struct State {
    free: usize,
    /// Calls at work, by lane; none is not there.
    working: HashMap<Lane, usize>,
    waiting: Lanes<oneshot::Sender<Turn>>,
}

impl Gate {
    /// A gate for so many calls in all, and so many of `each` lane.
    pub(super) fn new(calls: usize, each: usize, waiting_max: usize) -> Arc<Self> {
        let state = State { free: calls, working: HashMap::new(), waiting: Lanes::default() };
        Arc::new(Self { state: Mutex::new(state), each, waiting_max })
    }

    /// Waits for a turn.
    pub(super) async fn turn(self: &Arc<Self>, allowance: &Allowance) -> Result<Turn, NoTurn> {
        let turn = match self.now_or_later(allowance.lane())? {
            Ok(turn) => return Ok(turn),
            Err(later) => timeout_at(allowance.deadline, later).await,
        };
        // The sender is not dropped before it sends.
        turn.ok().and_then(Result::ok).ok_or(NoTurn::Late)
    }

    fn now_or_later(
        self: &Arc<Self>,
        lane: Lane,
    ) -> Result<Result<Turn, oneshot::Receiver<Turn>>, NoTurn> {
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
    fn over(self: &Arc<Self>, mut lane: Lane) {
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

impl State {
    fn may(&self, lane: Lane, each: usize) -> bool {
        self.free > 0 && Self::working_in(&self.working, lane) < each
    }

    fn working_in(working: &HashMap<Lane, usize>, lane: Lane) -> usize {
        working.get(&lane).copied().unwrap_or_default()
    }

    fn admit(&mut self, lane: Lane) {
        self.free -= 1;
        *self.working.entry(lane).or_default() += 1;
    }

    fn leave(&mut self, lane: Lane) {
        self.free += 1;
        if let Some(working) = self.working.get_mut(&lane) {
            *working -= 1;
            if *working == 0 {
                self.working.remove(&lane);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.over(self.lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::budget::Budget;
    use crate::limits::Limits;

    /// What calls of three data sources have, each with `time` left.
    fn allowances(time: Duration) -> [Allowance; 3] {
        let budget = Budget::new(&Limits::default());
        [(); 3].map(|()| budget.allow(budget.lane(), Instant::now() + time))
    }

    #[tokio::test(start_paused = true)]
    async fn a_data_source_whose_calls_never_end_leaves_turns_to_others() {
        let [one, other, third] = allowances(Duration::from_secs(1));
        let gate = Gate::new(3, 2, 10);
        let _first = gate.turn(&one).await.ok().unwrap();
        let _second = gate.turn(&one).await.ok().unwrap();
        assert_eq!(gate.turn(&one).await.err(), Some(NoTurn::Late));
        let of_other = gate.turn(&other).await.ok().unwrap();
        assert_eq!(gate.turn(&third).await.err(), Some(NoTurn::Late), "all are taken");
        drop(of_other);
        assert!(gate.turn(&third).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn turns_go_round_the_data_sources_and_pass_over_those_that_went_away() {
        let [one, other, third] = allowances(Duration::from_secs(1));
        let gate = Gate::new(1, 1, 10);
        let first = gate.turn(&one).await.ok().unwrap();
        let waiting =
            |allowance: &Allowance| gate.now_or_later(allowance.lane()).unwrap().err().unwrap();
        let (mut again, gone, mut last) = (waiting(&one), waiting(&other), waiting(&third));
        let mut once_more = waiting(&one);
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
        let [one, other, _third] = allowances(Duration::from_secs(1));
        let gate = Gate::new(1, 1, 2);
        let _first = gate.turn(&one).await.ok().unwrap();
        let waiting = || gate.now_or_later(one.lane());
        let (second, _third) = (waiting().unwrap().err(), waiting().unwrap().err());
        assert_eq!(waiting().err(), Some(NoTurn::Queue(2)));
        assert_eq!(gate.turn(&other).await.err(), Some(NoTurn::Late), "others may still wait");
        drop(second);
        assert!(waiting().is_ok());
    }
}
