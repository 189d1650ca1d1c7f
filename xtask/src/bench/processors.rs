//! Who computes where: what is measured has one processor to itself, and what measures it, the API included, another. So no subject
//! pays for the work of asking it, and all of them have the same.

use std::future::poll_fn;
use std::pin::pin;

use anyhow::Context as _;
use graft_launch::{Launch, LaunchError, Plugin};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The two processors.
#[derive(Clone, Copy)]
pub(super) struct Processors {
    measured: CpuSet,
    measuring: CpuSet,
}

impl Processors {
    /// The first two that this process may use. None if it may use only one, which all then share.
    pub(super) fn find() -> anyhow::Result<Option<Self>> {
        let all = sched_getaffinity(None).context("the kernel does not say the processors")?;
        let mut ours = (0..CpuSet::MAX_CPU).filter(|&number| all.is_set(number)).map(only);
        Ok(match (ours.next(), ours.next()) {
            (Some(measured), Some(measuring)) => Some(Self { measured, measuring }),
            _ => None,
        })
    }

    /// From here on the calling thread measures.
    pub(super) fn measure(self) -> anyhow::Result<()> {
        sched_setaffinity(None, &self.measuring).context("a processor cannot be chosen")
    }

    /// Starts something on the processor that is for what is measured: a process inherits it from the thread that starts it.
    pub(super) fn start<T>(self, start: impl FnOnce() -> T) -> T {
        // Both sets were taken from the ones that are allowed. Where that changed meanwhile, nothing is kept apart any more.
        let _moved = sched_setaffinity(None, &self.measured);
        let started = start();
        let _back = sched_setaffinity(None, &self.measuring);
        started
    }
}

/// Starts a plugin where plugins are measured.
pub(super) async fn launch(
    processors: Option<Processors>,
    launch: Launch,
) -> Result<Plugin, LaunchError> {
    let mut starting = pin!(Plugin::launch(launch));
    poll_fn(|ctx| match processors {
        // The process is started in the midst of this.
        Some(processors) => processors.start(|| starting.as_mut().poll(ctx)),
        None => starting.as_mut().poll(ctx),
    })
    .await
}

fn only(number: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(number);
    set
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;

    use super::*;

    /// The processors that a process, started by this thread, may use.
    fn of_a_process() -> String {
        let status = Command::new("grep").args(["Cpus_allowed_list", "/proc/self/status"]).output();
        String::from_utf8(status.unwrap().stdout).unwrap()
    }

    #[test]
    fn what_is_measured_runs_elsewhere_than_what_measures() {
        // On a thread of its own, so that other tests keep their processors.
        let test = thread::spawn(|| {
            let Some(processors) = Processors::find().unwrap() else { return };
            processors.measure().unwrap();
            let (measured, measuring) = (processors.start(of_a_process), of_a_process());
            assert_ne!(measured, measuring);
            assert!(!measured.contains([',', '-']), "{measured}");
        });
        test.join().unwrap();
    }
}
