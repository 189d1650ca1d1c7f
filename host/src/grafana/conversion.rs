//! `ResourceConversion`: queries that an earlier version of a guest's editor saved.

use graft_proto::pluginv2::resource_conversion_server::ResourceConversion;
use graft_proto::pluginv2::{ConversionRequest, ConversionResponse};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{Plugin, from_proto, to_proto};
use crate::{conversion, query};

#[tonic::async_trait]
impl ResourceConversion for Plugin {
    async fn convert_objects(
        &self,
        request: Request<ConversionRequest>,
    ) -> Result<Response<ConversionResponse>, Status> {
        let deadline = self.deadline(from_proto::granted_time(request.metadata()));
        let request = request.into_inner();
        let uid = request.uid;
        let settings = from_proto::settings(request.plugin_context)?;
        let span = tracing::info_span!(
            "request",
            endpoint = "convertObjects",
            dsName = settings.name,
            dsUid = settings.uid
        );
        let migrate = async {
            let models = from_proto::models(&request.objects).map_err(query::Error::Invalid)?;
            conversion::migrate(&self.registry, &settings, models, deadline).await
        };
        let migrated = migrate.instrument(span).await;
        Ok(Response::new(to_proto::conversion_response(uid, migrated)))
    }
}
