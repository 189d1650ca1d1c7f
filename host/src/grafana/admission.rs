//! `AdmissionControl`: may an admin save a data source with these settings?

use graft_proto::pluginv2::admission_control_server::AdmissionControl;
use graft_proto::pluginv2::{AdmissionRequest, MutationResponse, ValidationResponse};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::from_proto::Admission;
use super::request::Outcome;
use super::{Plugin, from_proto, to_proto};
use crate::admission::{self, Review};

#[tonic::async_trait]
impl AdmissionControl for Plugin {
    async fn validate_admission(
        &self,
        request: Request<AdmissionRequest>,
    ) -> Result<Response<ValidationResponse>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let deadline = self.deadline(from_proto::granted_time(&metadata));
        let context = request.plugin_context.as_ref();
        let in_flight = self.begin("validateAdmission", &metadata, context);
        let work = async {
            let review = self.review(request, deadline).await?;
            Ok((to_proto::validation_response(review), Outcome::Ok))
        };
        in_flight.run(work).await
    }

    /// Settings are admitted as they are, or not at all.
    async fn mutate_admission(
        &self,
        request: Request<AdmissionRequest>,
    ) -> Result<Response<MutationResponse>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let deadline = self.deadline(from_proto::granted_time(&metadata));
        let context = request.plugin_context.as_ref();
        let in_flight = self.begin("mutateAdmission", &metadata, context);
        let work = async {
            let object = request.object_bytes.clone();
            let review = self.review(request, deadline).await?;
            Ok((to_proto::mutation_response(review, object), Outcome::Ok))
        };
        in_flight.run(work).await
    }
}

impl Plugin {
    /// An objection is an answer, and no failure of the request.
    async fn review(&self, request: AdmissionRequest, deadline: Instant) -> Result<Review, Status> {
        let Some(Admission { settings, before }) = from_proto::admission(request)? else {
            return Ok(Review::default());
        };
        Ok(admission::review(&self.registry, settings, before, deadline).await)
    }
}
