//! `GRPCController`: how Grafana asks this process to end.

use graft_proto::plugin::Empty;
use graft_proto::plugin::grpc_controller_server::GrpcController;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// Starts the drain on request.
pub(super) struct Controller {
    /// Cancelled when this process is to end.
    pub(super) stopping: CancellationToken,
}

#[tonic::async_trait]
impl GrpcController for Controller {
    /// The answer is itself a call in flight, so the drain lets it through.
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.stopping.cancel();
        Ok(Response::new(Empty {}))
    }
}
