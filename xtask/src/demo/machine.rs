//! This machine's processors, memory and load, as Linux tells them in /proc; read again and again from the start on.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};

/// From one reading to the next.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);
/// As many as a minute has, with some room: a query ends a little after it began.
const READINGS_MAX: usize = 260;

/// A table of the things API.
pub(super) struct Table {
    /// The table's name, which is also its query's.
    pub(super) name: &'static str,
    /// What the table is about, for people.
    pub(super) title: &'static str,
    /// Its columns besides the time.
    pub(super) series: &'static [Series],
}

/// A column.
pub(super) struct Series {
    /// Its name.
    pub(super) field: &'static str,
    /// What it is, for people.
    pub(super) title: &'static str,
    /// Where it stands in a reading.
    pub(super) value: fn(&Reading) -> f64,
}

/// What this machine is asked for.
pub(super) const TABLES: [Table; 3] = [
    Table {
        name: "cpu",
        title: "Processors",
        series: &[
            Series { field: "busy", title: "busy, %", value: |reading| reading.busy },
            Series { field: "system", title: "in the kernel, %", value: |reading| reading.system },
        ],
    },
    Table {
        name: "memory",
        title: "Memory",
        series: &[
            Series { field: "used", title: "used, MiB", value: |reading| reading.used },
            Series {
                field: "available",
                title: "available, MiB",
                value: |reading| reading.available,
            },
        ],
    },
    Table {
        name: "load",
        title: "Load",
        series: &[
            Series { field: "minute", title: "average of a minute", value: |reading| reading.load },
            Series { field: "tasks", title: "running tasks", value: |reading| reading.tasks },
        ],
    },
];

/// What was true at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// Seconds since the epoch.
    pub(super) time: f64,
    pub(super) busy: f64,
    pub(super) system: f64,
    pub(super) used: f64,
    pub(super) available: f64,
    pub(super) load: f64,
    pub(super) tasks: f64,
}

/// The readings of the last minute, oldest first.
#[derive(Clone, Default)]
pub(super) struct Readings(Arc<Mutex<VecDeque<Reading>>>);

impl Readings {
    /// The readings, for as long as the guard lives.
    pub(super) fn lock(&self) -> MutexGuard<'_, VecDeque<Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, reading: Reading) {
        let mut readings = self.lock();
        if readings.len() == READINGS_MAX {
            readings.pop_front();
        }
        readings.push_back(reading);
    }
}

/// Reads on until it is dropped.
pub(super) struct Recorder {
    readings: Readings,
    stopped: mpsc::Receiver<anyhow::Error>,
    _running: mpsc::Sender<()>,
}

impl Recorder {
    /// Begins.
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut ticks = Ticks::now().context(
            "the demo shows what Linux tells of itself in /proc, and there is nothing of the kind here",
        )?;
        let readings = Readings::default();
        let own = readings.clone();
        let (_running, running) = mpsc::channel();
        let (tell, stopped) = mpsc::channel();
        std::thread::spawn(move || {
            // The timeout is what this thread is for; it ends when the other side is gone.
            while running.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                match read(&mut ticks) {
                    Ok(reading) => own.push(reading),
                    Err(error) => {
                        let _gone = tell.send(error);
                        return;
                    }
                }
            }
        });
        Ok(Self { readings, stopped, _running })
    }

    /// What is read; grows meanwhile.
    pub(super) fn readings(&self) -> Readings {
        self.readings.clone()
    }

    /// How many readings there are.
    pub(super) fn count(&self) -> usize {
        self.readings.lock().len()
    }

    /// Whether it still reads.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match self.stopped.try_recv() {
            Ok(error) => Err(error),
            Err(mpsc::TryRecvError::Empty) => Ok(()),
            Err(mpsc::TryRecvError::Disconnected) => bail!("the thread that reads /proc is gone"),
        }
    }
}

/// This machine's name.
pub(super) fn name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "this machine".to_owned(),
        name => name.to_owned(),
    }
}

/// Processor time since the start, in the kernel's own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ticks {
    all: f64,
    idle: f64,
    system: f64,
}

impl Ticks {
    fn now() -> anyhow::Result<Self> {
        Self::parse(&text("/proc/stat")?).context("/proc/stat is not as Linux writes it")
    }

    /// The first line is the sum of all processors: user, nice, system, idle, waiting for disks, interrupts, soft interrupts, stolen.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<f64> = line.split_whitespace().take(8).flat_map(str::parse).collect();
        let &[_user, _nice, system, idle, waiting, interrupts, soft, ..] = ticks.as_slice() else {
            return None;
        };
        let all = ticks.iter().sum();
        Some(Self { all, idle: idle + waiting, system: system + interrupts + soft })
    }

    /// The shares of busy and of kernel time since `before`, in percent.
    fn shares_since(self, before: Self) -> (f64, f64) {
        let all = self.all - before.all;
        if all <= 0.0 {
            return (0.0, 0.0);
        }
        let idle = (self.idle - before.idle).clamp(0.0, all);
        let system = (self.system - before.system).clamp(0.0, all);
        (100.0 * (all - idle) / all, 100.0 * system / all)
    }
}

fn read(ticks: &mut Ticks) -> anyhow::Result<Reading> {
    let now = Ticks::now()?;
    let (busy, system) = now.shares_since(*ticks);
    *ticks = now;
    let (used, available) =
        memory(&text("/proc/meminfo")?).context("/proc/meminfo is not as Linux writes it")?;
    let (load, tasks) =
        load(&text("/proc/loadavg")?).context("/proc/loadavg is not as Linux writes it")?;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let (busy, system, used, available) =
        (rounded(busy), rounded(system), rounded(used), rounded(available));
    Ok(Reading { time: time.as_secs_f64(), busy, system, used, available, load, tasks })
}

/// To one decimal: a quarter of a second has about 25 ticks, and more digits would say nothing.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Used and available memory in MiB.
fn memory(meminfo: &str) -> Option<(f64, f64)> {
    let kibibytes = |name: &str| {
        let rest = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    let (total, available) = (kibibytes("MemTotal:")?, kibibytes("MemAvailable:")?);
    Some(((total - available) / 1024.0, available / 1024.0))
}

/// The load average of a minute, and how many tasks run at this moment.
fn load(loadavg: &str) -> Option<(f64, f64)> {
    let mut fields = loadavg.split_whitespace();
    let minute = fields.next()?.parse().ok()?;
    let running = fields.nth(2)?.split('/').next()?.parse().ok()?;
    Some((minute, running))
}

fn text(file: &str) -> anyhow::Result<String> {
    fs::read_to_string(Path::new(file)).with_context(|| format!("{file} cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_becomes_shares() {
        let stat = |busy: u32, system: u32, idle: u32| {
            format!("cpu  {busy} 0 {system} {idle} 10 1 1 0 0 0\ncpu0 1 2 3\n")
        };
        let before = Ticks::parse(&stat(100, 50, 800)).unwrap();
        let after = Ticks::parse(&stat(120, 60, 870)).unwrap();
        assert_eq!(after.shares_since(before), (30.0, 10.0));
        assert_eq!(after.shares_since(after), (0.0, 0.0), "no time has passed");
        assert_eq!(Ticks::parse("intr 1 2 3"), None);
    }

    #[test]
    fn memory_is_what_is_used_and_what_is_left() {
        let meminfo = "MemTotal:  4096 kB\nMemFree:  1 kB\nMemAvailable:  1024 kB\n";
        assert_eq!(memory(meminfo), Some((3.0, 1.0)));
        assert_eq!(memory("MemTotal: 1 kB"), None);
    }

    #[test]
    fn load_is_of_a_minute_and_of_this_moment() {
        assert_eq!(load("0.52 0.40 0.30 3/812 4242\n"), Some((0.52, 3.0)));
        assert_eq!(load(""), None);
    }

    #[test]
    fn the_oldest_reading_makes_room() {
        let readings = Readings::default();
        for time in 0..=READINGS_MAX {
            readings.push(Reading { time: time as f64, ..Reading::default() });
        }
        let readings = readings.lock();
        assert_eq!((readings.len(), readings[0].time), (READINGS_MAX, 1.0));
    }
}
