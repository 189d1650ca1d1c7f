//! What the kernel says about another process: its memory, processor time, open files and threads.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// The unit of times in /proc. It is part of the kernel's interface and the same on all machines, see proc_pid_stat(5).
const TICK: Duration = Duration::from_millis(10);

/// A running process, by its number.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Memory that it has now, in bytes, files that it maps among it.
    pub(crate) fn resident(self) -> anyhow::Result<u64> {
        self.size("VmRSS:")
    }

    /// Processor time of all of its threads so far, those that ended among them; to [`TICK`].
    pub(crate) fn processor_time(self) -> anyhow::Result<Duration> {
        let (file, stat) = self.read("stat")?;
        let ticks = ticks(&stat).with_context(|| format!("{file} does not say the times"))?;
        Ok(TICK.saturating_mul(ticks))
    }

    /// How many files and sockets it has open.
    pub(crate) fn open_files(self) -> anyhow::Result<u64> {
        self.entries("fd")
    }

    /// How many threads it has.
    pub(crate) fn threads(self) -> anyhow::Result<u64> {
        self.entries("task")
    }

    /// Begins to watch the peak of its memory, and lets the kernel forget earlier peaks.
    pub(crate) fn watch(self) -> anyhow::Result<Peak> {
        let file = format!("/proc/{}/clear_refs", self.0);
        // 5 is "reset the peak resident set size", see proc_pid_clear_refs(5).
        fs::write(&file, "5").with_context(|| format!("{file} cannot be written"))?;
        Ok(Peak { process: self, before: self.resident()? })
    }

    fn size(self, name: &str) -> anyhow::Result<u64> {
        let (file, status) = self.read("status")?;
        match kibibytes(&status, name) {
            Some(size) => Ok(size << 10),
            None => bail!("{file} does not say {name}"),
        }
    }

    fn entries(self, folder: &str) -> anyhow::Result<u64> {
        let folder = format!("/proc/{}/{folder}", self.0);
        let entries = fs::read_dir(&folder).with_context(|| format!("{folder} cannot be read"))?;
        Ok(entries.count() as u64)
    }

    fn read(self, name: &str) -> anyhow::Result<(String, String)> {
        let file = format!("/proc/{}/{name}", self.0);
        let content =
            fs::read_to_string(&file).with_context(|| format!("{file} cannot be read"))?;
        Ok((file, content))
    }
}

/// The peak of a process's memory from a moment on.
pub(crate) struct Peak {
    process: Process,
    /// What it had at that moment.
    before: u64,
}

impl Peak {
    /// The peak until now, in bytes above what the process had before.
    pub(crate) fn added(&self) -> anyhow::Result<u64> {
        Ok(self.bytes()?.saturating_sub(self.before))
    }

    /// The peak until now, in bytes, all that the process had.
    pub(crate) fn bytes(&self) -> anyhow::Result<u64> {
        self.process.size("VmHWM:")
    }
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The sum of the fields 14 and 15, `utime` and `stime`. The second field is a name in parentheses, which may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_name, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_status_is_read_in_kibibytes() {
        let status = "VmPeak:\t  9 kB\nVmHWM:\t    4096 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(4096));
        assert_eq!(kibibytes(status, "VmRSS:"), None);
    }

    #[test]
    fn times_are_found_behind_whatever_name() {
        let stat = "7 (a) 1 (b) S 1 7 7 0 -1 4194304 100 0 0 0 250 33 0 0 20 0 4 0 9 8 7";
        assert_eq!(ticks(stat), Some(283));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn what_a_process_takes_is_seen() {
        let own = Process(std::process::id());
        let peak = own.watch().unwrap();
        // Every page is written, so all of them are resident.
        let taken = vec![1_u8; 64 << 20];
        assert_eq!(taken.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 64 << 20);
        drop(taken);
        let seen = peak.added().unwrap() >> 20;
        assert!((48..512).contains(&seen), "{seen} MiB");
        assert!(peak.bytes().unwrap() > 64 << 20);
    }

    #[test]
    fn time_files_and_threads_of_a_process_are_counted() {
        let own = Process(std::process::id());
        let (before, begun) = (own.processor_time().unwrap(), Instant::now());
        while own.processor_time().unwrap() < before + 2 * TICK {
            assert!(begun.elapsed() < Duration::from_secs(30), "it used no time");
        }
        let files = own.open_files().unwrap();
        let _open: Vec<_> =
            (0..50).map(|_number| fs::File::open("/proc/self/stat").unwrap()).collect();
        assert!(own.open_files().unwrap() >= files.max(40));
        assert!(own.threads().unwrap() >= 1);
        assert!(Process(u32::MAX).resident().is_err());
    }
}
