//! The signals that a plugin hears: contract section 1.7.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM, by which systemd and containers end a process.
///
/// From this call on SIGINT does nothing any more: Ctrl-C in a terminal reaches Grafana and its plugins alike, and it is
/// for Grafana to stop them in order. Must be called within tokio's runtime.
pub fn terminated() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    // tokio's handler stays installed after this value is gone.
    let _interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        terminate.recv().await;
        tracing::info!("SIGTERM: ending");
    })
}
