//! Whether the plugin grew: its memory, open files and threads at the end beside what it had at the beginning.

use anyhow::ensure;

use crate::bench::figures::{grouped, megabytes};
use crate::process::Process;
use crate::table::Table;

/// Memory at the end may be above that at the beginning by a tenth of it, and by this many bytes: what an allocator keeps varies by the
/// order in which things happen. A leak of 1 KiB for each of 200 queries a second is above this in a run of five minutes.
const MEMORY_SLACK_BYTES: u64 = 16 << 20;

/// Connections to an API come and go; a data source has no more than this many.
const FILES_SLACK: u64 = 16;

/// Threads of tokio that wait for blocking work end when there is none.
const THREADS_SLACK: u64 = 8;

/// Fewer say nothing.
const SAMPLES_MIN: usize = 8;

/// What the process has at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Resident memory in bytes.
    memory: u64,
    files: u64,
    threads: u64,
}

impl Sample {
    /// Looks at the process.
    pub(super) fn of(process: Process) -> anyhow::Result<Self> {
        let (memory, files) = (process.resident()?, process.open_files()?);
        Ok(Self { memory, files, threads: process.threads()? })
    }
}

/// The highest of the first and of the last quarter, after the warm-up.
#[derive(Debug)]
pub(super) struct Growth {
    lines: [Line; 3],
}

#[derive(Debug)]
struct Line {
    what: &'static str,
    first: u64,
    last: u64,
    /// What the last may be.
    most: u64,
    shown: fn(u64) -> String,
}

/// Compares the quarters of what comes after the warm-up, whose share of all samples is given.
pub(super) fn growth(samples: &[Sample], warm_up: f64) -> anyhow::Result<Growth> {
    let first = (samples.len() as f64 * warm_up).ceil() as usize;
    let samples = &samples[first.min(samples.len())..];
    ensure!(samples.len() >= SAMPLES_MIN, "{} seconds are too few to see growth", samples.len());
    let quarter = samples.len() / 4;
    let highest = |of: fn(&Sample) -> u64| {
        let highest = |part: &[Sample]| part.iter().map(of).max().unwrap_or_default();
        (highest(&samples[..quarter]), highest(&samples[samples.len() - quarter..]))
    };
    let line = |what, of, slack: fn(u64) -> u64, shown| {
        let (first, last) = highest(of);
        Line { what, first, last, most: first + slack(first), shown }
    };
    let count: fn(u64) -> String = |number| grouped(number as f64);
    Ok(Growth {
        lines: [
            line("memory", |one| one.memory, |first| first / 10 + MEMORY_SLACK_BYTES, megabytes),
            line("open files", |one| one.files, |_first| FILES_SLACK, count),
            line("threads", |one| one.threads, |_first| THREADS_SLACK, count),
        ],
    })
}

impl Growth {
    /// Each with what it was, is and may be.
    pub(super) fn table(&self) -> Table<4> {
        let mut table = Table::new(["Highest", "first quarter", "last quarter", "bound"]);
        for Line { what, first, last, most, shown } in &self.lines {
            table.row([(*what).to_owned(), shown(*first), shown(*last), shown(*most)]);
        }
        table
    }

    /// A sentence for each that grew.
    pub(super) fn faults(&self) -> Vec<String> {
        let grown = self.lines.iter().filter(|line| line.last > line.most);
        let sentence = |Line { what, first, last, shown, .. }: &Line| {
            format!("{what} grew from {} to {}", shown(*first), shown(*last))
        };
        grown.map(sentence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What grew, where memory changes by so many MiB a second and files and threads by so many.
    fn grown(memory: f64, files: f64, threads: f64) -> Vec<String> {
        let sample = |second: u32| {
            let at = |first: f64, change: f64| (first + f64::from(second) * change) as u64;
            let memory = at(100.0 * f64::from(1 << 20), memory * f64::from(1 << 20));
            Sample { memory, files: at(30.0, files), threads: at(20.0, threads) }
        };
        // The first is not yet what it will be.
        let mut samples: Vec<_> = (0..100).map(sample).collect();
        samples[0].memory = 1;
        growth(&samples, 0.2).unwrap().faults()
    }

    #[test]
    fn what_stays_and_what_varies_a_little_did_not_grow() {
        assert_eq!(grown(0.0, 0.0, 0.0), Vec::<String>::new());
        assert_eq!(grown(0.3, 0.2, 0.1), Vec::<String>::new());
        assert_eq!(grown(-1.0, -0.2, -0.1), Vec::<String>::new());
    }

    #[test]
    fn what_grows_is_told() {
        assert_eq!(grown(1.0, 0.0, 0.0), ["memory grew from 145.8 MB to 208.7 MB"]);
        assert_eq!(grown(0.0, 0.5, 0.0), ["open files grew from 49 to 79"]);
        assert_eq!(grown(0.0, 0.0, 0.5), ["threads grew from 39 to 69"]);
    }

    #[test]
    fn a_few_seconds_say_nothing() {
        let sample = Sample { memory: 1, files: 1, threads: 1 };
        assert!(growth(&[sample; 9], 0.2).is_err());
        assert!(growth(&[sample; 10], 0.2).is_ok());
    }
}
