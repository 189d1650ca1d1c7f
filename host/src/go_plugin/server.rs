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
use super::listener::{Listener, Socket};
use super::stdio::Stdio;
use crate::limits::{DRAIN_TIMEOUT, GRPC_CALLS_IN_FLIGHT_MAX};

/// The name by which go-plugin asks for a plugin's health.
const HEALTH_SERVICE: &str = "plugin";

/// Before the next connection, when one could not be accepted: what fails is most often the number of open files, and that
/// does not mend within microseconds.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The server failed.
#[derive(Debug, thiserror::Error)]
#[error("the gRPC server failed")]
pub struct ServeError(#[from] tonic::transport::Error);

/// Serves `services`, and those that go-plugin expects beside them, until Grafana calls `Shutdown` or `terminated` is ready. `stopping` is
/// cancelled then.
///
/// Calls in flight then have [`DRAIN_TIMEOUT`] to finish; what takes longer is cut off when the runtime goes. The socket is
/// removed before this returns.
pub async fn serve(
    listener: Listener,
    services: Routes,
    stopping: CancellationToken,
    terminated: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let services = with_go_plugin_services(services, &stopping).await;
    match listener.socket {
        Socket::Unix(listener, _folder) => {
            let incoming = UnixListenerStream::new(listener);
            run(incoming, services, stopping, terminated).await
        }
        Socket::Tcp(listener) => {
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            run(incoming, services, stopping, terminated).await
        }
    }
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

async fn run<C>(
    incoming: impl Stream<Item = io::Result<C>>,
    services: Routes,
    stopping: CancellationToken,
    terminated: impl Future<Output = ()>,
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
    let server = Server::builder()
        .max_concurrent_streams(GRPC_CALLS_IN_FLIGHT_MAX)
        // Grafana takes back many calls at once when a user leaves a dashboard; hyper's default of 20 takes that for an attack
        // and closes the connection under all others.
        .http2_max_pending_accept_reset_streams(Some(GRPC_CALLS_IN_FLIGHT_MAX as usize))
        .add_routes(services)
        .serve_with_incoming_shutdown(incoming, stopping.clone().cancelled_owned());
    let mut server = std::pin::pin!(server);
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        () = stopping.cancelled() => tracing::info!("Grafana asks this plugin to end"),
        () = terminated => stopping.cancel(),
    }
    match timeout(DRAIN_TIMEOUT, server).await {
        Ok(ended) => Ok(ended?),
        Err(_elapsed) => {
            tracing::warn!("Calls that did not finish in time are cut off");
            Ok(())
        }
    }
}
