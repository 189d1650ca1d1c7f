//! What ends this process besides Grafana's `Shutdown`: contract section 1.7.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::parent;

/// Waits, in Grafana's plugin, for SIGTERM, by which systemd and containers end a process, or for Grafana's own end.
///
/// From this call on SIGINT does nothing any more: Ctrl-C in a terminal reaches Grafana and its plugins alike, and it is
/// for Grafana to stop them in order. Must be called within tokio's runtime.
pub fn ended_from_outside() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    // tokio's handler stays installed after this value is gone.
    let _interrupt = signal(SignalKind::interrupt())?;
    let grafana_gone = parent::gone();
    Ok(async move {
        tokio::select! {
            () = received(&mut terminate) => tracing::info!("SIGTERM: ending"),
            () = grafana_gone => tracing::warn!("The process that started this plugin is gone: ending"),
        }
    })
}

/// Waits, in a plugin that a developer started, for Ctrl-C, the end of its terminal or SIGTERM. Must be called within tokio's runtime.
pub fn ended_by_hand() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            () = received(&mut terminate) => tracing::info!("SIGTERM: ending"),
            () = received(&mut interrupt) => tracing::info!("SIGINT: ending"),
            () = received(&mut hangup) => tracing::info!("SIGHUP: ending"),
        }
    })
}

async fn received(signal: &mut Signal) {
    signal.recv().await;
}
