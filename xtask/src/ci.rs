//! All that is done before a change is accepted; `.ci/run` does nothing else.

use std::time::{Duration, Instant};

use crate::repository::cargo;
use crate::step::loudly;
use crate::test::Summary;
use crate::{demo, package, test, tidy};

/// Runs every stage, also after one failed, and shows what each took.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut summary = Summary::default();
    summary.add("format", loudly("format", cargo().args(["fmt", "--all", "--check"])));
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    summary.add("clippy", loudly("clippy", cargo().args(clippy)));
    summary.add("tidy", timed(tidy::run));
    summary.add("test", timed(test::run));
    summary.add("demo", timed(|| demo::run(&demo::Arguments::short())));
    summary.add("package", timed(|| package::run(&package::Arguments::debug())));
    summary.end()
}

fn timed(stage: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    stage()?;
    Ok(begun.elapsed())
}
