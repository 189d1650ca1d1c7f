//! Benchmarks that decide: the host with a guest beside the same data source in Go and in Python, and beside the guest as native code.
//! `docs/benchmarks.md` tells how to read them.

mod subject;
mod peers;
pub(crate) mod api;
mod processors;
mod measure;
mod start;
mod load;
mod large;
mod slow;
mod bare;
mod layer;
mod native;
mod calls;
mod idle;
pub(crate) mod figures;
mod left_out;
mod machine;
mod aims;
mod report;

use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::left_out::LeftOut;
use self::load::Lengths;
use self::measure::{Bench, Effort};
use self::processors::Processors;
use self::subject::Subjects;
use crate::host;

/// Open files and sockets that a process may have: what Grafana's own systemd unit sets. Fewer are not enough for the slow API.
const OPEN_FILES: u64 = 10_000;

/// How to measure.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Measure fewer times, for a first impression: five minutes instead of half an hour.
    #[arg(long)]
    quick: bool,
    /// Put the figures into docs/benchmarks.md.
    #[arg(long)]
    write: bool,
}

/// Measures, and shows the figures beside the aims. A missed aim is no error: a busy machine misses all of them.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut left_out = LeftOut::default();
    let subjects = Subjects::gather(&mut left_out)?;
    let native = host::build_binary("graft-bench-native", "graft-bench-native", true)?;
    let layer = host::build_binary("graft-bench-layer", "graft-bench-layer", true)?;
    let processors = Processors::find()?;
    allow_open_files();
    let machine = machine::describe(processors.is_some());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("tokio's runtime cannot be started")?;
    let (measured, host) = runtime.block_on(async {
        measure::compile(&subjects).await?;
        let bench = Bench::start(effort(arguments.quick), processors).await?;
        let mut measured = Vec::new();
        for subject in &subjects.list {
            measured.push(bench.subject(subject, &mut left_out).await);
        }
        let host = bench.host(&subjects, &native, &layer, &mut left_out).await;
        anyhow::Ok((measured, host))
    })?;
    let report = report::write(&machine, &measured, &host, left_out.sentences());
    println!("\n{report}");
    if arguments.write {
        report::put_into_docs(&report)?;
    }
    Ok(())
}

/// For this process and those that it starts. Where more is not allowed, the slow API's figures tell.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < OPEN_FILES) {
        let most = limit.maximum.unwrap_or(OPEN_FILES).min(OPEN_FILES);
        let _set = setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..limit });
    }
}

fn effort(quick: bool) -> Effort {
    let milliseconds = Duration::from_millis;
    if quick {
        return Effort {
            starts: 5,
            bare_turns: 300,
            layer_turns: 5_000,
            lengths: Lengths { warm_up: milliseconds(300), measured: milliseconds(1_500) },
            patience: milliseconds(6_000),
            large_queries: 5,
            calls: 300,
        };
    }
    Effort {
        starts: 21,
        bare_turns: 2_000,
        layer_turns: 50_000,
        lengths: Lengths { warm_up: milliseconds(2_000), measured: milliseconds(10_000) },
        patience: milliseconds(30_000),
        large_queries: 15,
        calls: 2_000,
    }
}
