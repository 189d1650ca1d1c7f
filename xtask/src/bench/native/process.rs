//! The process in which a guest runs as native code: `bench/native`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use super::case::Case;
use crate::process::Process;

/// It transforms the body of its case as often as it is asked.
pub(super) struct Native {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Native {
    /// Starts it and waits until it can be asked.
    pub(super) fn start(binary: &Path, case: &Case, body: &Path) -> anyhow::Result<Self> {
        let nanoseconds = |milliseconds: i64| (milliseconds * 1_000_000).to_string();
        let mut child = Command::new(binary)
            .arg(case.guest)
            .arg(body)
            .args([case.settings.to_string(), case.query.to_string()])
            .args([nanoseconds(case.range.0), nanoseconds(case.range.1)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the native guest cannot be started")?;
        let answers = child.stdout.take().context("the native guest cannot be heard")?;
        let mut native = Self { child, answers: BufReader::new(answers) };
        ensure!(native.line()? == "ready", "the native guest does not answer");
        Ok(native)
    }

    /// Its process.
    pub(super) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Lets it transform the body once.
    pub(super) fn transform(&mut self, numbers: usize) -> anyhow::Result<Duration> {
        let stdin = self.child.stdin.as_mut().context("the native guest cannot be asked")?;
        stdin.write_all(b"\n").context("the native guest ended")?;
        let line = self.line()?;
        let mut answer = line.split(' ').map(str::parse::<u64>);
        let (Some(Ok(nanoseconds)), Some(Ok(found))) = (answer.next(), answer.next()) else {
            bail!("the native guest answers '{line}'");
        };
        ensure!(
            found == numbers as u64,
            "the native guest made {found} numbers instead of {numbers}"
        );
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("the native guest cannot be heard")?;
        ensure!(!line.is_empty(), "the native guest ended");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Native {
    /// It ends when its stdin does.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}
