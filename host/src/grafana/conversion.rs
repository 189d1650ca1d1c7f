//! `ResourceConversion`: queries that an earlier version of a guest's editor saved.

use graft_proto::pluginv2::resource_conversion_server::ResourceConversion;
use graft_proto::pluginv2::{ConversionRequest, ConversionResponse};
use tonic::{Request, Response, Status};

use super::request::Outcome;
use super::{Plugin, from_proto, to_proto};
use crate::{conversion, query};

#[tonic::async_trait]
impl ResourceConversion for Plugin {
    async fn convert_objects(
        &self,
        request: Request<ConversionRequest>,
    ) -> Result<Response<ConversionResponse>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let deadline = self.deadline(from_proto::granted_time(&metadata));
        let in_flight = self.begin("convertObjects", &metadata, request.plugin_context.as_ref());
        let work = async {
            let settings = from_proto::settings(request.plugin_context)?;
            let migrated = match from_proto::models(&request.objects) {
                Ok(models) => {
                    conversion::migrate(&self.registry, &settings, models, deadline).await
                }
                Err(problem) => Err(query::Error::Invalid(problem)),
            };
            let outcome = Outcome::of(&migrated);
            Ok((to_proto::conversion_response(request.uid, migrated), outcome))
        };
        in_flight.run(work).await
    }
}
