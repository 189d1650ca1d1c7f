//! `Stream`: Grafana Live.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use graft_proto::pluginv2::stream_server::Stream as StreamService;
use graft_proto::pluginv2::{
    PublishStreamRequest, PublishStreamResponse, RunStreamRequest, StreamPacket,
    SubscribeStreamRequest, SubscribeStreamResponse, publish_stream_response,
    subscribe_stream_response,
};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::request::{Answers, Outcome};
use super::{Plugin, from_proto};
use crate::query::Error;
use crate::stream::{self, Channel, Stream};

/// Packets that wait for Grafana. With more the host is held up, and by that the API.
const PACKETS_WAITING_MAX: usize = 16;

#[tonic::async_trait]
impl StreamService for Plugin {
    /// Whoever comes when the stream runs already is given what it shows.
    async fn subscribe_stream(
        &self,
        request: Request<SubscribeStreamRequest>,
    ) -> Result<Response<SubscribeStreamResponse>, Status> {
        use subscribe_stream_response::Status::{NotFound, Ok as Found};
        let (metadata, _extensions, request) = request.into_parts();
        let in_flight = self.begin("subscribeStream", &metadata, request.plugin_context.as_ref());
        let work = async {
            let SubscribeStreamRequest { plugin_context, path, data, .. } = request;
            let settings = from_proto::settings(plugin_context)?;
            let (status, data) = match Channel::of(&path, &data, &self.limits) {
                Ok(channel) => (Found, self.channels.shown(&settings, &channel).await),
                Err(unknown) => {
                    tracing::info!(%unknown, path, "A subscription is refused");
                    (NotFound, Bytes::new())
                }
            };
            Ok((SubscribeStreamResponse { status: status.into(), data }, Outcome::Ok))
        };
        in_flight.run(work).await
    }

    type RunStreamStream = Answers<StreamPacket>;

    /// Grafana takes a stream that ends well for one that is finished, and calls again after one that ends in a status (contract
    /// section 5.5). So what waiting does not mend ends well, with a packet that says what is wrong.
    async fn run_stream(
        &self,
        request: Request<RunStreamRequest>,
    ) -> Result<Response<Self::RunStreamStream>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let in_flight = self.begin("runStream", &metadata, request.plugin_context.as_ref());
        let (plugin, (packets, taken)) = (self.clone(), mpsc::channel(PACKETS_WAITING_MAX));
        let run = async move {
            tokio::select! {
                ended = plugin.stream(request, packets) => ended,
                () = plugin.stopping.cancelled() => {
                    Err(Status::unavailable("the plugin is ending; ask it again when it is back"))
                }
            }
        };
        let packets = ReceiverStream::new(taken).map(|data| StreamPacket { data });
        Ok(Response::new(in_flight.stream(run, packets)))
    }

    /// Nothing that is shown comes from those who look.
    async fn publish_stream(
        &self,
        request: Request<PublishStreamRequest>,
    ) -> Result<Response<PublishStreamResponse>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let in_flight = self.begin("publishStream", &metadata, request.plugin_context.as_ref());
        let status = publish_stream_response::Status::PermissionDenied.into();
        let response = PublishStreamResponse { status, ..PublishStreamResponse::default() };
        in_flight.run(async { Ok((response, Outcome::Ok)) }).await
    }
}

impl Plugin {
    async fn stream(
        &self,
        request: RunStreamRequest,
        packets: mpsc::Sender<Bytes>,
    ) -> Result<Outcome, Status> {
        let RunStreamRequest { plugin_context, path, data, .. } = request;
        let settings = from_proto::settings(plugin_context)?;
        let channel = match Channel::of(&path, &data, &self.limits) {
            Ok(channel) => channel,
            Err(unknown) => {
                tracing::info!(%unknown, path, "A stream is refused");
                return Ok(Outcome::Ok);
            }
        };
        let limit = self.limits.live_streams;
        let error = match self.channels.begin(&settings, &channel, limit) {
            Some(running) => {
                let (registry, channel, limits) = (&*self.registry, &channel, &self.limits);
                Stream { registry, settings, channel, running, limits, now }.run(&packets).await
            }
            None => Error::TooManyStreams { limit },
        };
        if let Some(notice) = stream::notice(&error, channel.ref_id()) {
            let _nobody_listens = packets.send(notice).await;
        }
        match error {
            // Grafana asks again, and then there may be room.
            Error::TooManyStreams { .. } => Err(Status::resource_exhausted(error.user_message())),
            error => Ok(Outcome::of(&Err::<(), _>(error))),
        }
    }
}

/// Nanoseconds since the epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
