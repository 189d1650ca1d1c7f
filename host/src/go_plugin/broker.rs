//! `GRPCBroker`: by it, go-plugin's two sides agree on further connections. Grafana's protocol has none, but its client opens
//! the stream as soon as it connects, and expects it to stay.

use std::future::Future as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use graft_proto::plugin::ConnInfo;
use graft_proto::plugin::grpc_broker_server::GrpcBroker;
use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Request, Response, Status, Streaming};

/// Listens, and has nothing to say.
pub(super) struct Broker {
    /// Cancelled when this process is to end.
    pub(super) stopping: CancellationToken,
}

#[tonic::async_trait]
impl GrpcBroker for Broker {
    type StartStreamStream = Silence;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Silence>, Status> {
        let stopped = Box::pin(self.stopping.clone().cancelled_owned());
        Ok(Response::new(Silence { heard: request.into_inner(), stopped }))
    }
}

/// Reads what the other side says, so that it never waits; ends when it ends, or when this process is to end.
pub(super) struct Silence {
    heard: Streaming<ConnInfo>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Stream for Silence {
    type Item = Result<ConnInfo, Status>;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.stopped.as_mut().poll(ctx).is_ready() {
            return Poll::Ready(None);
        }
        while let Poll::Ready(heard) = pin!(&mut self.heard).poll_next(ctx) {
            // An error is the client's way of leaving without a word.
            if !matches!(heard, Some(Ok(_))) {
                return Poll::Ready(None);
            }
        }
        Poll::Pending
    }
}
