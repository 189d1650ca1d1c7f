//! Series that come and go: each thing that has some is known by its key, and they are removed with its last handle.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus::IntCounterVec;
use prometheus::core::{Metric, MetricVec, MetricVecBuilder};

/// What is known by a key while anybody uses it.
pub(super) struct Known<K, T>(Arc<Mutex<HashMap<K, Weak<T>>>>);

impl<K, T> Clone for Known<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> Default for Known<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq, T> Known<K, T> {
    /// The thing with this key; made if there is none.
    pub(super) fn get(&self, key: K, make: impl FnOnce() -> T) -> Arc<T> {
        let mut known = self.lock();
        if let Some(thing) = known.get(&key).and_then(Weak::upgrade) {
            return thing;
        }
        let thing = Arc::new(make());
        known.insert(key, Arc::downgrade(&thing));
        thing
    }

    /// For the destructor of a thing: removes its series, unless it has a successor, whose they are then.
    pub(super) fn forget(&self, key: &K, remove_series: impl FnOnce()) {
        let mut known = self.lock();
        if known.get(key).is_some_and(|thing| thing.strong_count() == 0) {
            known.remove(key);
            remove_series();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Weak<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The series of one thing in a family of metrics with further labels: each is looked up once.
pub(super) struct Counters<K> {
    family: IntCounterVec,
    /// By what the further labels are made of. A handful, so that a search is faster than a hash.
    found: Mutex<Vec<Found<K>>>,
}

struct Found<K> {
    key: K,
    labels: Vec<String>,
    counter: prometheus::IntCounter,
}

impl<K: Copy + Eq> Counters<K> {
    pub(super) fn new(family: &IntCounterVec) -> Self {
        Self { family: family.clone(), found: Mutex::default() }
    }

    /// Counts one. `labels` makes all labels, those of the thing included.
    pub(super) fn count(&self, key: K, labels: impl FnOnce() -> Vec<String>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = found.iter().find(|found| found.key == key) {
            found.counter.inc();
            return;
        }
        let labels = labels();
        let counter = self.family.with_label_values(&labels);
        counter.inc();
        found.push(Found { key, labels, counter });
    }

    /// Removes the series.
    pub(super) fn remove(&self) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for Found { labels, .. } in found.drain(..) {
            remove(&self.family, &labels);
        }
    }
}

/// Removes a series. One that a successor has removed already is no loss.
pub(super) fn remove<B: MetricVecBuilder>(family: &MetricVec<B>, labels: &[String])
where
    B::M: Metric,
{
    let _removed = family.remove_label_values(labels);
}
