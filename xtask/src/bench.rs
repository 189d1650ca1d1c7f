//! What the sandbox costs: the plugin's start, a small query beside the bare HTTP exchange, and a large one beside the same guest as
//! native code.

mod start;
mod small;
mod large;
mod memory;
mod figures;

use anyhow::Context as _;

use self::figures::{Figure, table};
use crate::guests;
use crate::host::{self, Installed};
use crate::step::time;

/// How to measure.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Measure fewer times, for a first impression.
    #[arg(long)]
    quick: bool,
}

/// How often each thing is measured.
#[derive(Clone, Copy, Debug)]
struct Repetitions {
    starts: usize,
    small_queries: usize,
    large_queries: usize,
}

/// Measures, and shows the figures beside the aims. A missed aim is no error: a busy machine misses all of them.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let repetitions = if arguments.quick {
        Repetitions { starts: 5, small_queries: 200, large_queries: 3 }
    } else {
        Repetitions { starts: 20, small_queries: 2_000, large_queries: 11 }
    };
    let guests = [guests::build("things")?, guests::build("prometheus")?];
    let installed = Installed::new(&host::build(true)?, &guests)?;
    let native = host::build_binary("graft-bench-native", "graft-bench-native", true)?;
    let figures = tokio::runtime::Runtime::new()
        .context("the runtime's threads cannot be started")?
        .block_on(async {
            let starts = start::measure(&installed, repetitions.starts).await?;
            let small = small::measure(&installed, repetitions.small_queries).await?;
            let large = large::measure(&installed, &native, repetitions.large_queries).await?;
            anyhow::Ok([start_figure(&starts), small_figure(&small), speed(&large), peak(&large)])
        })?;
    println!("\n{}", table(&figures));
    Ok(())
}

fn start_figure(starts: &figures::Times) -> Figure {
    let (middle, late) = (starts.percentile(50), starts.percentile(99));
    Figure {
        what: "start to handshake, warm cache",
        measured: time(middle),
        aim: "at most 15 ms",
        is_met: middle.as_secs_f64() <= 15e-3,
        details: format!("p50; p99 {}", time(late)),
    }
}

fn small_figure(small: &small::Small) -> Figure {
    let added = small.added.percentile(50);
    Figure {
        what: "added to a small query",
        measured: time(added),
        aim: "at most 200 µs",
        is_met: added.as_secs_f64() <= 200e-6,
        details: format!(
            "p50; p99 {}; {} through the plugin, {} bare (p50 each)",
            time(small.added.percentile(99)),
            time(small.plugin.percentile(50)),
            time(small.bare.percentile(50)),
        ),
    }
}

fn speed(large: &large::Large) -> Figure {
    let (sandboxed, native) = (large.calls.percentile(50), large.native.percentile(50));
    let ratio = sandboxed.as_secs_f64() / native.as_secs_f64();
    let rate = |time: std::time::Duration| large.numbers as f64 / time.as_secs_f64() / 1e6;
    Figure {
        what: "time of 1,000,000 points, sandbox to native",
        measured: format!("{ratio:.2} ×"),
        aim: "at most 1.5 ×",
        is_met: ratio <= 1.5,
        details: format!(
            "million points/s: {:.2} in the sandbox, {:.2} native; {:.2} through the whole plugin, with HTTP, Arrow and gRPC",
            rate(sandboxed),
            rate(native),
            rate(large.sandboxed.percentile(50)),
        ),
    }
}

fn peak(large: &large::Large) -> Figure {
    let to_body = |bytes: u64| bytes as f64 / large.body_bytes as f64;
    let ratio = to_body(large.sandboxed_peak);
    let mib = |bytes: u64| bytes >> 20;
    Figure {
        what: "peak memory of the same, to the body's size",
        measured: format!("{ratio:.2} ×"),
        aim: "at most 5 ×",
        is_met: ratio <= 5.0,
        details: format!(
            "{} MiB for a body of {} MiB; the native guest alone {:.2} ×",
            mib(large.sandboxed_peak),
            mib(large.body_bytes),
            to_body(large.native_peak),
        ),
    }
}
