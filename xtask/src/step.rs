//! What takes a while, told to the person who waits for it: what it is, and then how long it took.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;

/// Of a command that failed, as many of its last lines are shown.
const LINES_SHOWN: usize = 40;

/// Something that is being done. Dropping it says that it failed.
pub(crate) struct Step {
    what: String,
    begun: Instant,
    spinner: Option<ProgressBar>,
    is_done: bool,
}

impl Step {
    /// Something during which nothing else is written.
    pub(crate) fn begin(what: impl Into<String>) -> Self {
        let what = what.into();
        let spinner = ProgressBar::new_spinner().with_message(what.clone());
        spinner.enable_steady_tick(Duration::from_millis(100));
        Self { what, begun: Instant::now(), spinner: Some(spinner), is_done: false }
    }

    /// Something that tells of itself meanwhile.
    pub(crate) fn announce(what: impl Into<String>) -> Self {
        let what = what.into();
        eprintln!("{:>10}  {what}", "…");
        Self { what, begun: Instant::now(), spinner: None, is_done: false }
    }

    /// Says how long it took.
    pub(crate) fn done(self) -> Duration {
        let took = self.begun.elapsed();
        self.done_in(took)
    }

    /// Says how long it took, where that was measured better.
    pub(crate) fn done_in(mut self, took: Duration) -> Duration {
        self.is_done = true;
        self.end(&time(took));
        took
    }

    fn end(&self, outcome: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        eprintln!("{outcome:>10}  {}", self.what);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.is_done {
            self.end("FAILED");
        }
    }
}

/// Does something during which nothing else is written.
pub(crate) fn step<T>(
    what: impl Into<String>,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let step = Step::begin(what);
    let done = work()?;
    step.done();
    Ok(done)
}

/// Runs a command that tells of itself.
pub(crate) fn loudly(what: impl Into<String>, command: &mut Command) -> anyhow::Result<Duration> {
    let step = Step::announce(what);
    let shown = shown(command);
    let status = command.status().with_context(|| format!("`{shown}` cannot be run"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(step.done())
}

/// Runs a command and keeps what it writes for the case that it fails.
pub(crate) fn quietly(command: &mut Command) -> anyhow::Result<String> {
    let shown = shown(command);
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("`{shown}` cannot be run"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let written = text(&output.stdout) + &text(&output.stderr);
    let lines: Vec<_> = written.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    let mut message = format!("`{shown}` failed ({})", output.status);
    for line in last {
        let _infallible = write!(message, "\n    {line}");
    }
    bail!(message)
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// A time as a person reads it.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time {
        _ if seconds >= 60.0 => format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60),
        _ if seconds >= 1.0 => format!("{seconds:.1} s"),
        _ if seconds >= 0.01 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds >= 0.001 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.0} µs", seconds * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_unit_that_fits() {
        let shown = [90_500_000, 1_240_000, 12_400, 1_240, 240]
            .map(|microseconds| time(Duration::from_micros(microseconds)));
        assert_eq!(shown, ["1 min 30 s", "1.2 s", "12 ms", "1.2 ms", "240 µs"]);
    }

    #[test]
    fn a_command_that_fails_shows_its_last_lines() {
        let script = "seq 100; echo because >&2; exit 3";
        let error = quietly(Command::new("sh").args(["-c", script])).unwrap_err().to_string();
        assert!(error.starts_with("`sh -c seq 100;") && error.contains("status: 3"), "{error}");
        assert!(
            error.ends_with("\n    100\n    because") && !error.contains("\n    50\n"),
            "{error}"
        );
    }

    #[test]
    fn a_command_that_succeeds_gives_what_it_wrote() {
        assert_eq!(quietly(Command::new("echo").arg("yes")).unwrap(), "yes\n");
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let error = quietly(&mut Command::new("/nowhere/tool")).unwrap_err().to_string();
        assert_eq!(error, "`/nowhere/tool` cannot be run");
    }
}
