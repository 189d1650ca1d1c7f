//! `GRPCStdio`: what a plugin prints, carried to Grafana, which throws it away. This host prints nothing after its handshake.

use std::pin::Pin;

use futures_util::{StreamExt as _, stream};
use graft_proto::plugin::StdioData;
use graft_proto::plugin::grpc_stdio_server::GrpcStdio;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// Stays open and sends nothing.
pub(super) struct Stdio {
    /// Cancelled when this process is to end.
    pub(super) stopping: CancellationToken,
}

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = Pin<Box<dyn Stream<Item = Result<StdioData, Status>> + Send>>;

    async fn stream_stdio(
        &self,
        _request: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        let silence = stream::pending().take_until(self.stopping.clone().cancelled_owned());
        Ok(Response::new(Box::pin(silence)))
    }
}
