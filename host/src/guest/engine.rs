//! The one wasmtime engine of the process, how it is set, and the thread that keeps its time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};

use wasmtime::{
    Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel,
    PoolingAllocationConfig, WasmBacktraceDetails, WasmFeatures,
};

use crate::limits::{
    CALL_STACK_BYTES, EPOCH_TICK, GUEST_INSTANCES_MAX, GUEST_MEMORIES_MAX, GUEST_MEMORY_KEPT_BYTES,
    GUEST_STACK_BYTES_MAX, GUEST_TABLE_ELEMENTS_MAX, GUEST_TABLES_MAX, WASM_PAGE_BYTES,
};

/// Proposals that guests may use: what the tools for Rust, JavaScript and Python emit. All others are off, because
/// each is code that a stranger's component could reach.
const FEATURES_ON: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL);

/// The settings that decide what native code looks like: the same in this process and in the compiler's.
pub(super) fn configuration() -> Config {
    let mut config = Config::new();
    config
        .wasm_features(WasmFeatures::all().difference(FEATURES_ON), false)
        .wasm_features(FEATURES_ON, true)
        .concurrency_support(false)
        .shared_memory(false)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES_MAX)
        .async_stack_size(CALL_STACK_BYTES)
        // A guest's own debug information is input for one more parser, and would only serve a log line.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .memory_may_move(false)
        // CPython's snapshot is 12.4 MiB; a larger one than this that is mostly zeros is copied at each call instead of mapped.
        .memory_guaranteed_dense_image_size(64 << 20);
    config
}

/// The engine that runs guests, with `calls` at work at a time.
///
/// Memory for them is reserved once, so that a fresh store takes microseconds. Where this much address space cannot be
/// had (`ulimit -v`), each call reserves its own.
pub(super) fn engine(calls: usize, memory_bytes: usize) -> wasmtime::Result<Engine> {
    let mut config = configuration();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(calls, memory_bytes)));
    Engine::new(&config).or_else(|error| {
        tracing::warn!(%error, "Memory for guests cannot be reserved in advance, so calls take longer");
        Engine::new(&configuration())
    })
}

fn pool(calls: usize, memory_bytes: usize) -> PoolingAllocationConfig {
    let count = |each: usize| u32::try_from(each).unwrap_or(u32::MAX);
    let total = |each: usize| count(calls.saturating_mul(each));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(total(1))
        .total_stacks(total(1))
        .total_core_instances(total(GUEST_INSTANCES_MAX))
        .total_memories(total(GUEST_MEMORIES_MAX))
        .total_tables(total(GUEST_TABLES_MAX))
        .max_core_instances_per_component(count(GUEST_INSTANCES_MAX))
        .max_memories_per_component(count(GUEST_MEMORIES_MAX))
        .max_tables_per_component(count(GUEST_TABLES_MAX))
        .max_memories_per_module(count(GUEST_MEMORIES_MAX))
        .max_tables_per_module(count(GUEST_TABLES_MAX))
        .table_elements(GUEST_TABLE_ELEMENTS_MAX)
        // What a call wrote is written over before the next, where the kernel can say what that is; giving pages back and taking
        // them again costs a small call more than all else.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(GUEST_MEMORY_KEPT_BYTES)
        .table_keep_resident(GUEST_MEMORY_KEPT_BYTES)
        // So there are never more places that keep pages than calls that were at work at the same time.
        .max_unused_warm_slots(0)
        .max_memory_size(memory_bytes.next_multiple_of(WASM_PAGE_BYTES));
    pool
}

/// Advances an engine's epoch every [`EPOCH_TICK`] while guests run, and sleeps while none does.
pub(super) struct Ticker {
    running: Arc<AtomicUsize>,
    thread: Thread,
}

impl Ticker {
    /// Starts the ticking thread, which ends with the engine.
    pub(super) fn start(engine: &Engine) -> io::Result<Self> {
        let running = Arc::new(AtomicUsize::new(0));
        let (engine, count) = (engine.weak(), Arc::clone(&running));
        let builder = thread::Builder::new().name("guest-epoch".to_owned());
        let thread = builder.spawn(move || tick(&engine, &count))?.thread().clone();
        Ok(Self { running, thread })
    }

    /// Ticks at least until the returned value is dropped.
    pub(super) fn run(&self) -> Running<'_> {
        if self.running.fetch_add(1, Ordering::SeqCst) == 0 {
            self.thread.unpark();
        }
        Running(&self.running)
    }
}

impl Drop for Ticker {
    /// Wakes the thread, so that it sees that its engine is gone.
    fn drop(&mut self) {
        self.running.fetch_add(1, Ordering::SeqCst);
        self.thread.unpark();
    }
}

fn tick(engine: &EngineWeak, running: &AtomicUsize) {
    loop {
        while running.load(Ordering::SeqCst) == 0 {
            thread::park();
        }
        thread::sleep(EPOCH_TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}

/// A guest runs.
pub(super) struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
