//! Serving until told to stop, then the drain: contract sections 1.6 and 1.7.

use std::io;
use std::time::Duration;

use futures_util::StreamExt as _;
use graft_proto::plugin::grpc_broker_server::GrpcBrokerServer;
use graft_proto::plugin::grpc_controller_server::GrpcControllerServer;
use graft_proto::plugin::grpc_stdio_server::GrpcStdioServer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_stream::Stream;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpIncoming};
use tonic_health::ServingStatus;

use super::broker::Broker;
use super::controller::Controller;
use super::cut_off::CutOff;
use super::listener::{Listener, Socket};
use super::mutual_tls::MutualTls;
use super::reflection::{ReflectionError, with_reflection};
use super::stdio::Stdio;
use crate::limits::{CUT_OFF_TIMEOUT, DRAIN_TIMEOUT, GRPC_CALLS_IN_FLIGHT_MAX};

/// The name by which go-plugin asks for a plugin's health.
const HEALTH_SERVICE: &str = "plugin";

/// Before the next connection, when one could not be accepted: what fails is most often the number of open files, and that
/// does not mend within microseconds.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The server failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Connections cannot be served.
    #[error("the gRPC server failed")]
    Transport(#[from] tonic::transport::Error),
    /// It cannot tell what it serves.
    #[error("the gRPC server cannot describe its services")]
    Reflection(#[from] ReflectionError),
}

/// Serves `services`, and those that go-plugin expects beside them, until Grafana calls `Shutdown` or `ended` is ready;
/// `stopping` is cancelled then.
///
/// Calls in flight then have [`DRAIN_TIMEOUT`] to finish; what takes longer is answered with a status that says so. The socket is
/// removed before this returns.
pub async fn serve(
    listener: Listener,
    services: Routes,
    stopping: CancellationToken,
    ended: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let services = with_reflection(with_go_plugin_services(services, &stopping).await)?;
    listen(listener, services, stopping, ended).await
}

/// Serves `services` alone until `ended` is ready, then as [`serve`]. It is for a developer's plugin: Grafana could end it if there
/// was a `Shutdown`, and go-plugin does not look for the rest.
pub async fn serve_standalone(
    listener: Listener,
    services: Routes,
    stopping: CancellationToken,
    ended: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    listen(listener, services, stopping, ended).await
}

async fn with_go_plugin_services(services: Routes, stopping: &CancellationToken) -> Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status(HEALTH_SERVICE, ServingStatus::Serving).await;
    let stopping = || stopping.clone();
    services
        .add_service(health)
        .add_service(GrpcControllerServer::new(Controller { stopping: stopping() }))
        .add_service(GrpcBrokerServer::new(Broker { stopping: stopping() }))
        .add_service(GrpcStdioServer::new(Stdio { stopping: stopping() }))
}

async fn listen(
    listener: Listener,
    services: Routes,
    stopping: CancellationToken,
    ended: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let mutual_tls = listener.mutual_tls;
    match listener.socket {
        Socket::Unix(listener, _folder) => {
            let incoming = UnixListenerStream::new(listener);
            accept(incoming, mutual_tls, services, stopping, ended).await
        }
        Socket::Tcp(listener) => {
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            accept(incoming, mutual_tls, services, stopping, ended).await
        }
    }
}

async fn accept<C>(
    incoming: impl Stream<Item = io::Result<C>>,
    mutual_tls: Option<MutualTls>,
    services: Routes,
    stopping: CancellationToken,
    ended: impl Future<Output = ()>,
) -> Result<(), ServeError>
where
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let incoming = incoming.then(async |connection: io::Result<C>| {
        if let Err(error) = &connection {
            tracing::warn!(%error, "A connection could not be accepted");
            sleep(ACCEPT_PAUSE).await;
        }
        connection
    });
    match mutual_tls {
        Some(mutual_tls) => run(mutual_tls.accept(incoming), services, stopping, ended).await,
        None => run(incoming, services, stopping, ended).await,
    }
}

async fn run<C>(
    incoming: impl Stream<Item = io::Result<C>>,
    services: Routes,
    stopping: CancellationToken,
    ended: impl Future<Output = ()>,
) -> Result<(), ServeError>
where
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let cut_off = CancellationToken::new();
    let server = Server::builder()
        .max_concurrent_streams(GRPC_CALLS_IN_FLIGHT_MAX)
        // Grafana takes back many calls at once when a user leaves a dashboard; hyper's default of 20 takes that for an attack
        // and closes the connection under all others.
        .http2_max_pending_accept_reset_streams(Some(GRPC_CALLS_IN_FLIGHT_MAX as usize))
        .layer(CutOff { now: cut_off.clone() })
        .add_routes(services)
        .serve_with_incoming_shutdown(incoming, stopping.clone().cancelled_owned());
    let mut server = std::pin::pin!(server);
    tokio::select! {
        served = &mut server => return Ok(served?),
        () = stopping.cancelled() => tracing::info!("Grafana asks this plugin to end"),
        () = ended => stopping.cancel(),
    }
    if let Ok(drained) = timeout(DRAIN_TIMEOUT, &mut server).await {
        return Ok(drained?);
    }
    tracing::warn!("Calls that did not finish in time are cut off");
    cut_off.cancel();
    // What is not written by then goes with the connection.
    timeout(CUT_OFF_TIMEOUT, server).await.map_or(Ok(()), |drained| Ok(drained?))
}
