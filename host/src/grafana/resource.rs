//! `Resource`: what editors and template variables ask for, and vendors' own routes.

use graft_proto::pluginv2::resource_server::Resource;
use graft_proto::pluginv2::{CallResourceRequest, CallResourceResponse};
use tokio_stream::Iter;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{Plugin, from_proto, to_proto};
use crate::resource;

#[tonic::async_trait]
impl Resource for Plugin {
    type CallResourceStream = Iter<std::vec::IntoIter<Result<CallResourceResponse, Status>>>;

    /// Whatever goes wrong is an HTTP status, as the browser expects, and not a gRPC status.
    async fn call_resource(
        &self,
        request: Request<CallResourceRequest>,
    ) -> Result<Response<Self::CallResourceStream>, Status> {
        let deadline = self.deadline(from_proto::granted_time(request.metadata()));
        let (settings, request) = from_proto::resource(request.into_inner());
        let span = tracing::info_span!(
            "request",
            endpoint = "callResource",
            dsName = settings.as_ref().map(|settings| settings.name.as_str()),
            dsUid = settings.as_ref().map(|settings| settings.uid.as_str()),
        );
        let answer = resource::answer(&self.registry, settings, &request, &self.limits, deadline);
        let messages = to_proto::call_resource_responses(answer.instrument(span).await);
        let messages: Vec<_> = messages.into_iter().map(Ok).collect();
        Ok(Response::new(tokio_stream::iter(messages)))
    }
}
