//! A queue in which lanes take turns, so that who asks much does not hold up who asks little.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Who shares a place in the queue: one data source, or the host itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane(pub(super) u64);

impl Lane {
    /// What the host does for no data source in particular.
    pub const HOST: Self = Self(0);
}

/// A queue of lanes, one for each data source or whatever else has a key: first come, first served within a lane, and one of each lane in turn.
#[derive(Debug)]
pub struct Lanes<T, K = Lane> {
    waiting: HashMap<K, VecDeque<T>>,
    /// The lanes in which somebody waits, in the order of their turns.
    turns: VecDeque<K>,
}

impl<T, K> Default for Lanes<T, K> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<T, K: Copy + Eq + Hash> Lanes<T, K> {
    /// Puts something at the end of its lane.
    pub fn push(&mut self, lane: K, item: T) {
        let queue = self.waiting.entry(lane).or_default();
        if queue.is_empty() {
            self.turns.push_back(lane);
        }
        queue.push_back(item);
    }

    /// Takes what is first in the lane whose turn it is, of those lanes that `may` be served; their turn is over then.
    pub fn pop(&mut self, may: impl Fn(K) -> bool) -> Option<(K, T)> {
        let place = self.turns.iter().position(|lane| may(*lane))?;
        let lane = self.turns.remove(place)?;
        let queue = self.waiting.get_mut(&lane)?;
        let item = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&lane);
        } else {
            self.turns.push_back(lane);
        }
        Some((lane, item))
    }

    /// What [`Lanes::pop`] would take.
    pub fn peek(&self) -> Option<&T> {
        self.waiting.get(self.turns.front()?)?.front()
    }

    /// How many wait in a lane.
    pub fn waiting_in(&self, lane: K) -> usize {
        self.waiting.get(&lane).map_or(0, VecDeque::len)
    }

    /// Removes those that do not wait any more; `lane` is where to look.
    pub fn retain(&mut self, lane: K, keep: impl FnMut(&T) -> bool) {
        let Some(queue) = self.waiting.get_mut(&lane) else { return };
        queue.retain(keep);
        if queue.is_empty() {
            self.waiting.remove(&lane);
            self.turns.retain(|turn| *turn != lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_take_turns_and_each_keeps_its_order() {
        let mut lanes = Lanes::<_>::default();
        for item in [11, 12, 13, 14] {
            lanes.push(Lane(1), item);
        }
        lanes.push(Lane(2), 21);
        lanes.push(Lane(3), 31);
        lanes.push(Lane(3), 32);
        assert_eq!(lanes.peek(), Some(&11));
        let order = std::iter::from_fn(|| lanes.pop(|_lane| true)).map(|(_lane, item)| item);
        assert_eq!(order.collect::<Vec<_>>(), [11, 21, 31, 12, 32, 13, 14]);
    }

    #[test]
    fn a_lane_that_may_not_is_passed_over_and_keeps_its_turn() {
        let mut lanes = Lanes::<_>::default();
        lanes.push(Lane(1), 11);
        lanes.push(Lane(2), 21);
        assert_eq!(lanes.pop(|lane| lane != Lane(1)), Some((Lane(2), 21)));
        assert_eq!(lanes.pop(|lane| lane != Lane(1)), None);
        assert_eq!(lanes.pop(|_lane| true), Some((Lane(1), 11)));
    }

    #[test]
    fn who_went_away_is_not_served() {
        let mut lanes = Lanes::<_>::default();
        lanes.push(Lane(1), 11);
        lanes.push(Lane(1), 12);
        lanes.push(Lane(2), 21);
        lanes.retain(Lane(1), |item| *item != 11);
        assert_eq!(lanes.waiting_in(Lane(1)), 1);
        lanes.retain(Lane(1), |_item| false);
        assert_eq!((lanes.waiting_in(Lane(1)), lanes.pop(|_lane| true)), (0, Some((Lane(2), 21))));
        assert_eq!(lanes.pop(|_lane| true), None);
    }
}
