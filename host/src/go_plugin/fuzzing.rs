//! For the fuzzers: a line of the log, without a process whose stderr it is written to.

use std::time::SystemTime;

use tracing::Level;

use super::hclog;

/// A line of the log as go-plugin reads it, its line break included.
pub fn log_line<'a>(
    level: Level,
    module: &str,
    message: &str,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<u8> {
    hclog::line(level, module, message, fields, SystemTime::UNIX_EPOCH)
}
