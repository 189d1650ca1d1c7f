//! What is counted of each guest, by name and version.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::{AtomicF64, GenericCounter, GenericCounterVec};
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts};

use super::Adding;
use super::series::{Counters, Known, remove};

/// From the smallest memory that a guest can have to the largest, by factors of two.
const MEMORY_BYTES: &[f64] = &[
    65_536.0,
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
    33_554_432.0,
    67_108_864.0,
    134_217_728.0,
    268_435_456.0,
    536_870_912.0,
    1_073_741_824.0,
    4_294_967_296.0,
];

/// The families.
pub(super) struct Guests {
    known: Known<Key, GuestMetrics>,
    families: Arc<Families>,
}

struct Families {
    loaded: IntGauge,
    calls: IntCounterVec,
    cpu: GenericCounterVec<AtomicF64>,
    memory: HistogramVec,
    input: IntCounterVec,
    output: IntCounterVec,
}

/// Name and version.
type Key = (String, String);

/// The metrics of one guest.
pub struct GuestMetrics {
    known: Known<Key, Self>,
    families: Arc<Families>,
    key: Key,
    calls: Counters<(&'static str, &'static str)>,
    cpu: GenericCounter<AtomicF64>,
    memory: Histogram,
    input: IntCounter,
    output: IntCounter,
}

/// A call that is to be counted: as `cancelled`, if it is dropped before its outcome is known.
pub struct CallMetrics<'a> {
    guest: &'a GuestMetrics,
    export: &'static str,
    outcome: &'static str,
}

impl Guests {
    pub(super) fn new(adding: &Adding<'_>) -> prometheus::Result<Self> {
        let of_guest = &["guest", "version"];
        let cpu = Opts::new("graft_guest_cpu_seconds_total", "Processor time of a guest's calls.");
        let families = Families {
            loaded: adding.gauge("graft_guests", "Guests that are loaded.")?,
            calls: adding.counters(
                "graft_guest_calls_total",
                "Calls of a guest's exports, by outcome: ok, refused, late, cancelled, or how it failed.",
                &["guest", "version", "export", "outcome"],
            )?,
            cpu: adding.add(GenericCounterVec::new(cpu, of_guest)?)?,
            memory: adding.histograms(
                "graft_guest_memory_bytes",
                "Memory that a call of a guest had at its end, which is the most that it had.",
                of_guest,
                MEMORY_BYTES,
            )?,
            input: adding.counters(
                "graft_guest_input_bytes_total",
                "What guests were given: queries, settings, responses.",
                of_guest,
            )?,
            output: adding.counters(
                "graft_guest_output_bytes_total",
                "What guests returned: requests and columns.",
                of_guest,
            )?,
        };
        Ok(Self { known: Known::default(), families: Arc::new(families) })
    }

    pub(super) fn get(&self, name: &str, version: &str) -> Arc<GuestMetrics> {
        let key = (name.to_owned(), version.to_owned());
        self.known.get(key.clone(), || {
            let (labels, families) = ([name, version], &self.families);
            families.loaded.inc();
            GuestMetrics {
                known: self.known.clone(),
                families: Arc::clone(families),
                key,
                calls: Counters::new(&families.calls),
                cpu: families.cpu.with_label_values(&labels),
                memory: families.memory.with_label_values(&labels),
                input: families.input.with_label_values(&labels),
                output: families.output.with_label_values(&labels),
            }
        })
    }
}

impl GuestMetrics {
    /// A call begins, or waits for its turn.
    pub fn call(&self, export: &'static str) -> CallMetrics<'_> {
        CallMetrics { guest: self, export, outcome: "cancelled" }
    }

    /// A call has ended, however: the processor time and the memory that it took.
    pub fn used(&self, cpu: Duration, memory_bytes: usize) {
        self.cpu.inc_by(cpu.as_secs_f64());
        self.memory.observe(memory_bytes as f64);
    }

    /// A call is given so many bytes.
    pub fn input(&self, bytes: usize) {
        self.input.inc_by(bytes as u64);
    }

    /// A call returned so many bytes.
    pub fn output(&self, bytes: usize) {
        self.output.inc_by(bytes as u64);
    }
}

impl CallMetrics<'_> {
    /// How the call ended.
    pub fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for CallMetrics<'_> {
    fn drop(&mut self) {
        let Self { guest, export, outcome } = self;
        let (name, version) = &guest.key;
        let labels = || [name, version, *export, *outcome].map(str::to_owned).to_vec();
        guest.calls.count((export, outcome), labels);
    }
}

impl Drop for GuestMetrics {
    fn drop(&mut self) {
        let Self { families, key, .. } = self;
        families.loaded.dec();
        self.known.forget(key, || {
            let labels = [key.0.clone(), key.1.clone()];
            self.calls.remove();
            remove(&families.cpu, &labels);
            remove(&families.memory, &labels);
            remove(&families.input, &labels);
            remove(&families.output, &labels);
        });
    }
}
