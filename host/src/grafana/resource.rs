//! `Resource`: what editors and template variables ask for, and vendors' own routes.

use std::vec;

use graft_proto::pluginv2::resource_server::Resource;
use graft_proto::pluginv2::{CallResourceRequest, CallResourceResponse};
use tokio_stream::Iter;
use tonic::{Request, Response, Status};

use super::request::Outcome;
use super::{Plugin, from_proto, to_proto};
use crate::resource;

#[tonic::async_trait]
impl Resource for Plugin {
    type CallResourceStream = Iter<vec::IntoIter<Result<CallResourceResponse, Status>>>;

    /// Whatever goes wrong is an HTTP status, as the browser expects, and not a gRPC status.
    async fn call_resource(
        &self,
        request: Request<CallResourceRequest>,
    ) -> Result<Response<Self::CallResourceStream>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let deadline = self.deadline(from_proto::granted_time(&metadata));
        let in_flight = self.begin("callResource", &metadata, request.plugin_context.as_ref());
        let work = async {
            let (settings, caller, request) = from_proto::resource(request);
            let (registry, limits) = (&self.registry, &self.limits);
            let answered =
                resource::answer(registry, settings, &request, &caller, limits, deadline).await;
            let outcome = Outcome::of(&answered);
            let messages = to_proto::call_resource_responses(answered).into_iter().map(Ok);
            Ok((tokio_stream::iter(messages.collect::<Vec<_>>()), outcome))
        };
        in_flight.run(work).await
    }
}
