//! The threads that guests run on, one for each core, so that the async runtime never waits on a guest.
//!
//! A call gives way at the end of each slice of time; the next to run is that of another data source, if one is ready.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use async_task::{Runnable, Task};
use tokio::runtime::Handle;

use crate::budget::{Lane, Lanes};

/// A fixed set of threads. They end when this is dropped; what has not come to its end then never does.
pub(super) struct Threads {
    shared: Arc<Shared>,
}

/// Where a call runs until it gives way for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// On the thread that asks for it: for what is most often done in less time than another thread takes to wake up.
    Here,
    /// On one of the guests' threads.
    There,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    is_ready: Condvar,
}

#[derive(Default)]
struct State {
    ready: Lanes<Runnable>,
    is_over: bool,
}

impl Threads {
    /// Starts `count` threads, which know the time of the runtime that this is called in: a call may wait, for memory.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let threads = Self { shared: Arc::default() };
        let runtime = Handle::try_current().ok();
        for number in 0..count {
            let (shared, runtime) = (Arc::clone(&threads.shared), runtime.clone());
            thread::Builder::new().name(format!("guest-{number}")).spawn(move || {
                let _entered = runtime.as_ref().map(Handle::enter);
                shared.work();
            })?;
        }
        Ok(threads)
    }

    /// Runs something to its end. Dropping the returned task ends it at the end of its slice.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        lane: Lane,
        begin: Begin,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Task<T> {
        let shared = Arc::clone(&self.shared);
        let (runnable, task) =
            async_task::spawn(work, move |runnable| shared.schedule(lane, runnable));
        match begin {
            Begin::Here => {
                runnable.run();
            }
            Begin::There => runnable.schedule(),
        }
        task
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_over = true;
        self.shared.is_ready.notify_all();
    }
}

impl Shared {
    fn schedule(&self, lane: Lane, runnable: Runnable) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            drop(state);
            // Its future goes with it, which may schedule others.
            drop(runnable);
            return;
        }
        state.ready.push(lane, runnable);
        drop(state);
        self.is_ready.notify_one();
    }

    fn work(&self) {
        while let Some(runnable) = self.next() {
            runnable.run();
        }
    }

    fn next(&self) -> Option<Runnable> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.is_over {
                return None;
            }
            match state.ready.pop(|_lane| true) {
                Some((_lane, runnable)) => return Some(runnable),
                None => {
                    state = self.is_ready.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}
