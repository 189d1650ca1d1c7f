//! `AdmissionControl`: may an admin save a data source with these settings?

use bytes::Bytes;
use graft_proto::pluginv2::admission_control_server::AdmissionControl;
use graft_proto::pluginv2::{AdmissionRequest, MutationResponse, ValidationResponse};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::from_proto::Admission;
use super::{Plugin, from_proto, to_proto};
use crate::admission::{self, Review};

#[tonic::async_trait]
impl AdmissionControl for Plugin {
    async fn validate_admission(
        &self,
        request: Request<AdmissionRequest>,
    ) -> Result<Response<ValidationResponse>, Status> {
        let (review, _object) = self.review(request, "validateAdmission").await?;
        Ok(Response::new(to_proto::validation_response(review)))
    }

    /// Settings are admitted as they are, or not at all.
    async fn mutate_admission(
        &self,
        request: Request<AdmissionRequest>,
    ) -> Result<Response<MutationResponse>, Status> {
        let (review, object) = self.review(request, "mutateAdmission").await?;
        Ok(Response::new(to_proto::mutation_response(review, object)))
    }
}

impl Plugin {
    async fn review(
        &self,
        request: Request<AdmissionRequest>,
        endpoint: &'static str,
    ) -> Result<(Review, Bytes), Status> {
        let deadline = self.deadline(from_proto::granted_time(request.metadata()));
        let request = request.into_inner();
        let object = request.object_bytes.clone();
        let Some(Admission { settings, before }) = from_proto::admission(request)? else {
            return Ok((Review::default(), object));
        };
        let span =
            tracing::info_span!("request", endpoint, dsName = settings.name, dsUid = settings.uid);
        let review = admission::review(&self.registry, settings, before, deadline);
        Ok((review.instrument(span).await, object))
    }
}
