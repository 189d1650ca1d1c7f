//! A call as slices of processor time: whatever runs a slice counts its time, keeps the epoch ticking, and is noted as running the
//! guest, in case the process does not survive it.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::engine::Ticker;
use super::quarantine::Noted;

/// The processor time that a call has used, whichever threads it ran on: a guest is not blamed for what else the machine does.
#[derive(Clone, Default)]
pub(super) struct Clock {
    /// Up to the end of the last slice, nanoseconds.
    before: Arc<AtomicU64>,
}

thread_local! {
    /// When the slice began that this thread runs, in its own processor time.
    static BEGAN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Runs a call: each poll is a slice. `note` notes, as long as what it returns is there, what this thread runs.
pub(super) async fn in_slices<T>(
    ticker: &Ticker,
    note: impl Fn() -> Option<Noted>,
    clock: Clock,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let (_ticking, _noted) = (ticker.run(), note());
        BEGAN.set(processor_time());
        let polled = work.as_mut().poll(context);
        clock.before.store(nanoseconds(clock.used()), Ordering::Relaxed);
        polled
    })
    .await
}

impl Clock {
    /// What was used so far. Only within a slice of the call.
    pub(super) fn used(&self) -> Duration {
        let before = Duration::from_nanos(self.before.load(Ordering::Relaxed));
        before + processor_time().saturating_sub(BEGAN.get())
    }
}

/// The processor time that this thread has used.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // The clock of a thread counts up from zero.
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// 584 years fit.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
