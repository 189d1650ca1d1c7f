//! One call: a turn, a fresh store, limits and a deadline; then a value, a refusal or a failure.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;
use wasmtime::component::{Instance as GuestInstance, InstancePre};
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

use super::cache::Digest;
use super::engine::{self, Ticker};
use super::error::{Failure, GuestId, StartError};
use super::exports::Exports;
use super::quarantine::Quarantine;
use super::slices::{Clock, in_slices};
use super::state::State;
use super::threads::{Begin, Threads};
use crate::budget::{Allowance, Budget, Gate, Lane, NoTurn, Turn};
use crate::limits::{
    DATASOURCE_CALLS_EACH_CORE, GUEST_CALLS_EACH_CORE, GUEST_CALLS_MIN, INLINE_INPUT_BYTES_MAX,
    Limits, SLICE_TICKS,
};
use crate::metrics::{GuestMetrics, Metrics};

/// What runs guests: the engine, its time, the calls' turns and threads. One for the process.
pub(super) struct Runtime {
    pub(super) engine: Engine,
    ticker: Ticker,
    gate: Arc<Gate<Lane>>,
    threads: Threads,
    limits: Limits,
    budget: Arc<Budget>,
    /// None without a folder for it.
    pub(super) quarantine: Option<Quarantine>,
    pub(super) metrics: Metrics,
}

/// A linked component that can be called.
#[derive(Clone)]
pub(super) struct Callable {
    runtime: Arc<Runtime>,
    component: Arc<InstancePre<State>>,
    /// Where the contract's exports are.
    exports: Arc<Exports>,
    digest: Digest,
    id: GuestId,
    /// None before there is a description.
    metrics: Option<Arc<GuestMetrics>>,
}

/// One run of one export.
pub(super) struct Call<'a> {
    /// As metrics and logs name it.
    pub(super) export: &'static str,
    /// What its query may use.
    pub(super) allowance: &'a Allowance,
    /// How much it is given, bytes.
    pub(super) input: usize,
}

/// Finds one of the interfaces of a component's instance.
pub(super) type Find<G> = fn(&Exports, &mut Store<State>, &GuestInstance) -> wasmtime::Result<G>;

/// A call that returns what came of it, and the store with what it used.
pub(super) trait Running<T>:
    Future<Output = (wasmtime::Result<T>, Store<State>)> + Send + 'static
{
}

impl<T, F> Running<T> for F where
    F: Future<Output = (wasmtime::Result<T>, Store<State>)> + Send + 'static
{
}

impl Runtime {
    /// Reserves memory and starts the threads.
    pub(super) fn start(
        limits: &Limits,
        budget: Arc<Budget>,
        quarantine: Option<Quarantine>,
        metrics: Metrics,
    ) -> Result<Self, StartError> {
        let cores = std::thread::available_parallelism()?.get();
        let calls = match limits.guest_calls {
            0 => (cores * GUEST_CALLS_EACH_CORE).max(GUEST_CALLS_MIN),
            calls => calls,
        };
        // Half of them are left for others, however few an admin allows.
        let each = (cores * DATASOURCE_CALLS_EACH_CORE).min((calls / 2).max(1));
        let engine = engine::engine(calls, limits.guest_memory_bytes)?;
        Ok(Self {
            ticker: Ticker::start(&engine)?,
            gate: Gate::new(calls, each, limits.calls_waiting),
            threads: Threads::start(cores)?,
            engine,
            limits: limits.clone(),
            budget,
            quarantine,
            metrics,
        })
    }

    /// What the host's own calls may use, those for no data source in particular.
    pub(super) fn allow(&self, time: Duration) -> Allowance {
        self.budget.allow(Lane::HOST, Instant::now() + time)
    }

    /// Runs what waits for the disk, or for the processor, where nobody waits on it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        spawn_blocking(job).await.ok()
    }
}

impl Callable {
    pub(super) fn new(
        runtime: Arc<Runtime>,
        component: InstancePre<State>,
        digest: Digest,
        id: GuestId,
    ) -> wasmtime::Result<Self> {
        let exports = Arc::new(Exports::of(&component)?);
        Ok(Self { runtime, component: Arc::new(component), exports, digest, id, metrics: None })
    }

    /// The same component under the name that it gives itself.
    pub(super) fn named(self, id: GuestId, metrics: Arc<GuestMetrics>) -> Self {
        Self { id, metrics: Some(metrics), ..self }
    }

    /// Runs one of the exports that every guest has, of the interface that `find` finds; otherwise as [`Callable::call_instance`].
    pub(super) async fn call<G: Send + 'static, T: Send + 'static, R: Running<T>>(
        &self,
        call: Call<'_>,
        find: Find<G>,
        body: impl FnOnce(G, Store<State>) -> R + Send + 'static,
    ) -> Result<Result<T, Failure>, NoTurn> {
        let exports = Arc::clone(&self.exports);
        let body = async move |instance: GuestInstance, mut store: Store<State>| match find(
            &exports, &mut store, &instance,
        ) {
            Ok(guest) => body(guest, store).await,
            Err(error) => (Err(Failure::Exports(format!("{error:#}")).into()), store),
        };
        self.call_instance(call, body).await
    }

    /// Runs one export. Whatever `body` borrows from the guest is gone with the store, so it returns the host's own values.
    ///
    /// Dropping the future ends the call at the end of its slice.
    pub(super) async fn call_instance<T: Send + 'static, R: Running<T>>(
        &self,
        call: Call<'_>,
        body: impl FnOnce(GuestInstance, Store<State>) -> R + Send + 'static,
    ) -> Result<Result<T, Failure>, NoTurn> {
        let Call { export, allowance, input } = call;
        let turn = self.runtime.gate.turn(allowance.lane(), allowance.deadline).await?;
        let begin = match input {
            0..=INLINE_INPUT_BYTES_MAX => Begin::Here,
            _ => Begin::There,
        };
        let clock = Clock::default();
        let state = State::new(self.id.clone(), &self.runtime.limits, allowance.hold());
        let run = self.clone().run(export, turn, clock.clone(), state, body);
        let (runtime, digest) = (Arc::clone(&self.runtime), self.digest);
        let work = async move {
            let run = AssertUnwindSafe(run).catch_unwind();
            let note = || Some(runtime.quarantine.as_ref()?.note(&digest));
            in_slices(&runtime.ticker, note, clock, run).await
        };
        let work = work.instrument(tracing::Span::current());
        let running = self.runtime.threads.spawn(allowance.lane(), begin, work);
        match timeout_at(allowance.deadline, running).await {
            Ok(Ok(result)) => Ok(result),
            // The hook has logged where.
            Ok(Err(_panic)) => Ok(Err(Failure::Host)),
            Err(_elapsed) => Err(NoTurn::Late),
        }
    }

    async fn run<T, R: Running<T>>(
        self,
        export: &'static str,
        // Until the store is gone.
        _turn: Turn<Lane>,
        clock: Clock,
        state: State,
        body: impl FnOnce(GuestInstance, Store<State>) -> R,
    ) -> Result<T, Failure> {
        let (limits, start) = (&self.runtime.limits, Instant::now());
        let mut store = Store::new(&self.runtime.engine, state);
        store.limiter_async(|state| &mut state.memory);
        // The host's own allocations for what the guest returns.
        store.set_hostcall_fuel(limits.column_bytes);
        store.set_epoch_deadline(SLICE_TICKS);
        let (so_far, most) = (clock.clone(), limits.guest_cpu);
        store.epoch_deadline_callback(move |_store| match so_far.used() {
            used if used > most => Err(Failure::Cpu(most).into()),
            _ => Ok(UpdateDeadline::Yield(SLICE_TICKS)),
        });
        let (result, store) = match self.component.instantiate_async(&mut store).await {
            Ok(instance) => body(instance, store).await,
            Err(error) => (Err(error), store),
        };
        if let Some(metrics) = &self.metrics {
            metrics.used(clock.used(), store.data().memory.used);
        }
        let microseconds = start.elapsed().as_micros();
        tracing::debug!(guest = %self.id, export, microseconds, "Call");
        result.map_err(|error| {
            let failure = failure(&error, store.data().memory.refused.as_ref(), limits);
            let error = format!("{error:#}");
            tracing::warn!(guest = %self.id, export, %failure, error, "A guest failed");
            failure
        })
    }
}

fn failure(error: &wasmtime::Error, refused: Option<&Failure>, limits: &Limits) -> Failure {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    // A guest that gets no memory traps in a way of its own.
    if let Some(refused) = refused {
        return refused.clone();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Failure::Stack,
        Some(trap) => Failure::Trap(trap.to_string()),
        None => {
            let text = error.root_cause().to_string();
            match text.contains("too much data is being copied") {
                true => Failure::TooMuch(limits.column_bytes),
                false => Failure::Contract(text),
            }
        }
    }
}
