//! What the plugin writes to stdout and stderr. Both are read to their ends, whatever comes, so that the plugin never waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::log::LogLine;

/// A process that the plugin started, such as its compiler, can hold its stderr open a little longer than the plugin lives.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// A line that has not come by then does not come, on however busy a machine.
const LINE_TIMEOUT: Duration = Duration::from_secs(30);

/// What was written so far, and goes on being read.
pub(crate) struct Output {
    /// Lines of stdout after the first.
    stdout: Arc<Mutex<Vec<String>>>,
    log: watch::Receiver<Vec<LogLine>>,
    readers: Vec<JoinHandle<()>>,
}

impl Output {
    /// Begins to read stderr, of which no more than so many lines are kept.
    pub(crate) fn read_log(
        stderr: impl AsyncRead + Send + Unpin + 'static,
        lines_max: usize,
    ) -> Self {
        let (tell, log) = watch::channel(Vec::new());
        let mut stderr = BufReader::new(stderr);
        let reader = tokio::spawn(async move {
            while let Some(line) = line(&mut stderr).await {
                tell.send_modify(|lines| {
                    if lines.len() >= lines_max {
                        lines.drain(..lines_max.div_ceil(2));
                    }
                    lines.push(LogLine::read(&line));
                });
            }
        });
        Self { stdout: Arc::default(), log, readers: vec![reader] }
    }

    /// Begins to read what comes on stdout after the handshake.
    pub(crate) fn read_stdout<R: AsyncRead + Send + Unpin + 'static>(
        &mut self,
        mut stdout: BufReader<R>,
    ) {
        let lines = Arc::clone(&self.stdout);
        self.readers.push(tokio::spawn(async move {
            while let Some(line) = line(&mut stdout).await {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        }));
    }

    /// The lines that came on stdout after the handshake.
    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines that came on stderr.
    pub(crate) fn log(&self) -> Vec<LogLine> {
        self.log.borrow().clone()
    }

    /// Waits for a line of the log, until there can be no more, or for [`LINE_TIMEOUT`].
    pub(crate) async fn logged(&self, matches: impl Fn(&LogLine) -> bool) -> Option<LogLine> {
        let mut log = self.log.clone();
        let waited = timeout(LINE_TIMEOUT, log.wait_for(|lines| lines.iter().any(&matches))).await;
        let lines = waited.ok()?.ok()?;
        lines.iter().find(|line| matches(line)).cloned()
    }

    /// Waits until everything is read; to be called when the process is gone.
    pub(crate) async fn end(&mut self) {
        for reader in self.readers.drain(..) {
            let _ended = timeout(END_TIMEOUT, reader).await;
        }
    }
}

/// The next line without its line break; none at the end or when reading fails.
pub(crate) async fn line<R: AsyncRead + Unpin>(reader: &mut BufReader<R>) -> Option<String> {
    let mut line = Vec::new();
    match reader.read_until(b'\n', &mut line).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_a_long_log_the_last_lines_are_kept() {
        let mut output = Output::read_log(&b"1\n2\n3\n4\n5\n6\n"[..], 4);
        output.end().await;
        let kept: Vec<_> = output.log().into_iter().map(|line| line.text).collect();
        assert_eq!(kept, ["3", "4", "5", "6"]);
    }
}
