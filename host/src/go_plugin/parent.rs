//! Grafana's own end. go-plugin has nothing for it: a plugin whose Grafana was killed would run, and hold its memory and its socket,
//! for ever.
//!
//! Linux could send a signal (`PR_SET_PDEATHSIG`), but at the end of the *thread* that started this process, and Go starts
//! processes from whichever thread is at hand and ends threads as it likes. A pidfd tells of the process.

use std::future;
use std::io;
use std::time::Duration;

use rustix::process::{Pid, getppid};
use tokio::time::sleep;

/// How often to look, where the system does not tell.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Waits for the end of the process that started this one. Must be called within tokio's runtime.
///
/// A parent outside of this process's PID namespace, as the first process of a container has, cannot be seen; then this waits
/// for ever. That the parent is process 1, as Grafana in a container is, makes no difference.
pub(super) fn gone() -> impl Future<Output = ()> {
    let parent = getppid();
    let watched = parent.map(Watched::new);
    async move {
        match (parent, watched) {
            // It ended before it was watched, and its number may be another's by now.
            (Some(parent), _) if getppid() != Some(parent) => {}
            (Some(_), Some(Ok(watched))) => watched.ended().await,
            (Some(parent), _) => {
                while getppid() == Some(parent) {
                    sleep(LOOK_EVERY).await;
                }
            }
            (None, _) => future::pending().await,
        }
    }
}

/// A process that runs, or ran when this was made.
#[derive(Debug)]
pub(super) struct Watched(watch::Process);

impl Watched {
    /// An error means that there is no such process, or that this system cannot watch any.
    pub(super) fn new(process: Pid) -> io::Result<Self> {
        watch::Process::new(process).map(Self)
    }

    /// Waits for its end.
    pub(super) async fn ended(self) {
        if self.0.ended().await.is_err() {
            // Nobody would ever tell.
            future::pending::<()>().await;
        }
    }
}

#[cfg(target_os = "linux")]
mod watch {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A pidfd, which can be read from when its process has ended.
    #[derive(Debug)]
    pub(super) struct Process(AsyncFd<OwnedFd>);

    impl Process {
        pub(super) fn new(process: Pid) -> io::Result<Self> {
            let descriptor = pidfd_open(process, PidfdFlags::empty())?;
            // SAFETY: an OwnedFd's descriptor is open and always the same until the AsyncFd drops it.
            let watched =
                unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
            Ok(Self(watched?))
        }

        pub(super) async fn ended(self) -> io::Result<()> {
            self.0.readable().await.map(drop)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod watch {
    use std::io;

    use rustix::process::{Pid, test_kill_process};

    use super::{LOOK_EVERY, sleep};

    /// A process that is looked for by its number.
    #[derive(Debug)]
    pub(super) struct Process(Pid);

    impl Process {
        pub(super) fn new(process: Pid) -> io::Result<Self> {
            test_kill_process(process)?;
            Ok(Self(process))
        }

        pub(super) async fn ended(self) -> io::Result<()> {
            while test_kill_process(self.0).is_ok() {
                sleep(LOOK_EVERY).await;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::process::Command;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_process_is_watched_until_its_end() {
        // It ends when its stdin does.
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = Pid::from_raw(child.id().unwrap() as i32).unwrap();
        let mut ended = Box::pin(Watched::new(process).unwrap().ended());
        assert!(timeout(Duration::from_millis(20), &mut ended).await.is_err(), "it still runs");
        drop(child.stdin.take());
        ended.await;
        child.wait().await.unwrap();
    }

    #[tokio::test]
    async fn the_parent_of_this_test_lives() {
        assert!(timeout(Duration::from_millis(20), gone()).await.is_err());
    }
}
