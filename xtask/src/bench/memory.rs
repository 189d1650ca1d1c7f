//! The most memory that another process has at once.

use std::fs;

use anyhow::{Context as _, bail};

/// The peak of a process's memory from a moment on.
pub(super) struct Peak {
    process: u32,
    /// What it has at that moment.
    before: u64,
}

impl Peak {
    /// Begins, and lets the kernel forget earlier peaks.
    pub(super) fn watch(process: u32) -> anyhow::Result<Self> {
        let file = format!("/proc/{process}/clear_refs");
        // 5 is "reset the peak resident set size", see proc_pid_clear_refs(5).
        fs::write(&file, "5").with_context(|| format!("{file} cannot be written"))?;
        Ok(Self { process, before: resident(process, "VmRSS:")? })
    }

    /// The peak until now, in bytes above what the process had before.
    pub(super) fn bytes(&self) -> anyhow::Result<u64> {
        Ok(resident(self.process, "VmHWM:")?.saturating_sub(self.before))
    }
}

/// A size from the process's status, in bytes.
fn resident(process: u32, name: &str) -> anyhow::Result<u64> {
    let file = format!("/proc/{process}/status");
    let status = fs::read_to_string(&file).with_context(|| format!("{file} cannot be read"))?;
    match kibibytes(&status, name) {
        Some(size) => Ok(size << 10),
        None => bail!("{file} does not say {name}"),
    }
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_in_kibibytes() {
        let status = "VmPeak:\t  9 kB\nVmHWM:\t    4096 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(4096));
        assert_eq!(kibibytes(status, "VmRSS:"), None);
    }

    #[test]
    fn what_a_process_takes_is_seen() {
        let own = std::process::id();
        let peak = Peak::watch(own).unwrap();
        // Every page is written, so all of them are resident.
        let taken = vec![1_u8; 64 << 20];
        assert_eq!(taken.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 64 << 20);
        drop(taken);
        let seen = peak.bytes().unwrap() >> 20;
        assert!((48..512).contains(&seen), "{seen} MiB");
    }
}
