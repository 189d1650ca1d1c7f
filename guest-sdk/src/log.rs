//! Log lines, as Grafana's log shows them, marked with the guest's name and version.
//!
//! A line must not hold what a user typed or an API answered in bulk. Natively, in a guest's own
//! tests, lines go to standard error.

use crate::bindings::graft::datasource::host::LogLevel;

/// Something for the vendor who is looking for a fault. Grafana shows it only if its log filters
/// say so.
pub fn debug(message: &str) {
    write(LogLevel::Debug, message);
}

/// Something worth knowing when all is well.
pub fn info(message: &str) {
    write(LogLevel::Info, message);
}

/// Something unexpected that the guest coped with.
pub fn warn(message: &str) {
    write(LogLevel::Warn, message);
}

/// Something that makes the call fail.
pub fn error(message: &str) {
    write(LogLevel::Error, message);
}

/// Logs a panic before it becomes a trap: in the sandbox there is no standard error to find it on.
///
/// To be called in every call, because each has a fresh instance.
pub(crate) fn log_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string().replace('\n', " "))));
}

#[cfg(target_family = "wasm")]
fn write(level: LogLevel, message: &str) {
    crate::bindings::graft::datasource::host::log(level, message);
}

#[cfg(not(target_family = "wasm"))]
fn write(level: LogLevel, message: &str) {
    eprintln!("[{level:?}] {message}");
}
