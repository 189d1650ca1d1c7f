//! The threads that guests run on: as many as may run at the same time, with stacks of their own, so that the async
//! runtime never waits on a guest.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use crate::limits::GUEST_THREAD_STACK_BYTES;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed set of threads. They end when this is dropped and their last job is done.
pub(super) struct Threads {
    jobs: SyncSender<Job>,
    /// One permit for each thread: who has one never waits in `jobs`, and who waits for one waits in order.
    free: Arc<Semaphore>,
}

/// Whether anybody still waits for the result of a job.
#[derive(Clone)]
pub(super) struct Awaited(Arc<AtomicBool>);

impl Awaited {
    /// False as soon as the caller has gone away.
    pub(super) fn is_awaited(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    /// Somebody waits, so far.
    fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }
}

/// Tells the job when the caller's future is dropped.
struct Caller(Awaited);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Threads {
    /// Starts `count` threads.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(count);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..count {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new()
                .name(format!("guest-{number}"))
                .stack_size(GUEST_THREAD_STACK_BYTES)
                .spawn(move || work(&waiting))?;
        }
        Ok(Self { jobs, free: Arc::new(Semaphore::new(count)) })
    }

    /// Runs a job on one of the threads, as soon as one is free. None if the job panicked.
    ///
    /// Dropping the future gives up the place in the queue; a job that has begun can ask [`Awaited`].
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Awaited) -> T + Send + 'static,
    ) -> Option<T> {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        let awaited = Awaited::new();
        let caller = Caller(awaited.clone());
        let (tell, result) = oneshot::channel();
        let job = Box::new(move || {
            let value = awaited.is_awaited().then(|| job(&awaited));
            drop(permit);
            if let Some(value) = value {
                // Nobody waits any more: then nobody is to be told.
                let _told = tell.send(value);
            }
        });
        self.jobs.send(job).ok()?;
        let value = result.await.ok();
        drop(caller);
        value
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            // A panic was logged by the hook; the caller sees that there is no result.
            Ok(job) => drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job))),
            Err(_closed) => return,
        }
    }
}
