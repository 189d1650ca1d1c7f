//! One call: a fresh store, limits and a deadline on a thread of its own; then a value, a refusal or a failure.

use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, timeout_at};
use wasmtime::component::{Instance as GuestInstance, InstancePre};
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

use super::bindings::{Datasource, DatasourceIndices};
use super::engine::{self, Ticker};
use super::error::{Failure, GuestId, StartError};
use super::state::State;
use super::threads::{Awaited, Threads};
use crate::limits::Limits;
use crate::metrics::{GuestMetrics, Metrics};

/// What runs guests: the engine, its time and its threads. One for the process.
pub(super) struct Runtime {
    pub(super) engine: Engine,
    ticker: Ticker,
    threads: Threads,
    limits: Limits,
    pub(super) metrics: Metrics,
}

/// A linked component that can be called.
#[derive(Clone)]
pub(super) struct Callable {
    runtime: Arc<Runtime>,
    component: Arc<InstancePre<State>>,
    /// Where the contract's exports are.
    exports: Arc<DatasourceIndices>,
    id: GuestId,
    /// None before there is a description.
    metrics: Option<Arc<GuestMetrics>>,
}

/// No answer in time.
pub(super) struct Late;

impl Runtime {
    /// Reserves memory and starts the threads.
    pub(super) fn start(limits: &Limits, metrics: Metrics) -> Result<Self, StartError> {
        let calls = match limits.guest_calls {
            0 => std::thread::available_parallelism()?.get(),
            calls => calls,
        };
        let engine = engine::engine(calls, limits.guest_memory_bytes)?;
        let ticker = Ticker::start(&engine)?;
        let threads = Threads::start(calls)?;
        Ok(Self { engine, ticker, threads, limits: limits.clone(), metrics })
    }

    /// Runs something that is not a guest's call but takes a guest's thread.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.threads.run(|_awaited| job()).await
    }
}

impl Callable {
    pub(super) fn new(
        runtime: Arc<Runtime>,
        component: InstancePre<State>,
        id: GuestId,
    ) -> wasmtime::Result<Self> {
        let exports = Arc::new(DatasourceIndices::new(&component)?);
        Ok(Self { runtime, component: Arc::new(component), exports, id, metrics: None })
    }

    /// The same component under the name that it gives itself.
    pub(super) fn named(self, id: GuestId, metrics: Arc<GuestMetrics>) -> Self {
        Self { id, metrics: Some(metrics), ..self }
    }

    /// Runs one of the exports that every guest has; otherwise as [`Callable::call_instance`].
    pub(super) async fn call<T: Send + 'static>(
        &self,
        export: &'static str,
        deadline: Instant,
        body: impl FnOnce(&Datasource, &mut Store<State>) -> wasmtime::Result<T> + Send + 'static,
    ) -> Result<Result<T, Failure>, Late> {
        let exports = Arc::clone(&self.exports);
        let body = move |instance: &GuestInstance, store: &mut Store<State>| {
            body(&exports.load(&mut *store, instance)?, store)
        };
        self.call_instance(export, deadline, body).await
    }

    /// Runs one export. Whatever `body` borrows from the guest is gone with the store, so it returns the host's own values.
    pub(super) async fn call_instance<T: Send + 'static>(
        &self,
        export: &'static str,
        deadline: Instant,
        body: impl FnOnce(&GuestInstance, &mut Store<State>) -> wasmtime::Result<T> + Send + 'static,
    ) -> Result<Result<T, Failure>, Late> {
        let (call, span) = (self.clone(), tracing::Span::current());
        let job = move |awaited: &Awaited| span.in_scope(|| call.run(export, awaited, body));
        let result = timeout_at(deadline, self.runtime.threads.run(job)).await;
        let result = result.map_err(|_elapsed| Late)?;
        Ok(result.unwrap_or(Err(Failure::Host)))
    }

    fn run<T>(
        &self,
        export: &'static str,
        awaited: &Awaited,
        body: impl FnOnce(&GuestInstance, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Failure> {
        let (limits, start) = (&self.runtime.limits, Instant::now());
        let state = State::new(self.id.clone(), limits);
        let mut store = Store::new(&self.runtime.engine, state);
        store.limiter(|state| &mut state.memory);
        // The host's own allocations for what the guest returns.
        store.set_hostcall_fuel(limits.column_bytes);
        store.set_epoch_deadline(1);
        let (awaited, most) = (awaited.clone(), limits.guest_cpu);
        let begun = processor_time();
        let end = begun.saturating_add(most);
        store.epoch_deadline_callback(move |_store| {
            if !awaited.is_awaited() {
                Err(Failure::Cancelled.into())
            } else if processor_time() > end {
                Err(Failure::Cpu(most).into())
            } else {
                Ok(UpdateDeadline::Continue(1))
            }
        });
        let _running = self.runtime.ticker.run();
        let instance = self.component.instantiate(&mut store);
        let result = instance.and_then(|instance| body(&instance, &mut store));
        if let Some(metrics) = &self.metrics {
            let cpu = processor_time().saturating_sub(begun);
            metrics.used(cpu, store.data().memory.used);
        }
        let microseconds = start.elapsed().as_micros();
        tracing::debug!(guest = %self.id, export, microseconds, "Call");
        result.map_err(|error| {
            let failure = failure(&error, store.data().memory.refused, limits);
            let error = format!("{error:#}");
            match failure {
                // A user who leaves a dashboard is no event.
                Failure::Cancelled => {
                    tracing::debug!(guest = %self.id, export, "A call was cancelled");
                }
                _ => tracing::warn!(guest = %self.id, export, %failure, error, "A guest failed"),
            }
            failure
        })
    }
}

fn failure(error: &wasmtime::Error, memory_refused: bool, limits: &Limits) -> Failure {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    // A guest that gets no memory traps in a way of its own.
    if memory_refused {
        return Failure::Memory(limits.guest_memory_bytes);
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

/// The processor time that this thread has used: a guest is not blamed for what else the machine does.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // The clock of a thread counts up from zero.
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
