//! `Diagnostics`: "Save & test".

use graft_proto::pluginv2::diagnostics_server::Diagnostics;
use graft_proto::pluginv2::{
    CheckHealthRequest, CheckHealthResponse, CollectMetricsRequest, CollectMetricsResponse,
};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{Plugin, from_proto, to_proto};
use crate::health;

#[tonic::async_trait]
impl Diagnostics for Plugin {
    /// Whatever is wrong with the settings is an answer, not a gRPC status (contract section 5.2).
    async fn check_health(
        &self,
        request: Request<CheckHealthRequest>,
    ) -> Result<Response<CheckHealthResponse>, Status> {
        let deadline = self.deadline(from_proto::granted_time(request.metadata()));
        let settings = from_proto::settings(request.into_inner().plugin_context)?;
        let span = tracing::info_span!(
            "request",
            endpoint = "checkHealth",
            dsName = settings.name,
            dsUid = settings.uid
        );
        async {
            let checked = match self.registry.get(settings, deadline).await {
                Ok(datasource) => health::check(&datasource, &self.limits, deadline).await,
                Err(error) => Err(error.into()),
            };
            Ok(Response::new(to_proto::check_health_response(checked)))
        }
        .instrument(span)
        .await
    }

    /// Grafana takes this for no metrics (contract section 5.1).
    async fn collect_metrics(
        &self,
        _request: Request<CollectMetricsRequest>,
    ) -> Result<Response<CollectMetricsResponse>, Status> {
        Err(Status::unimplemented("CollectMetrics is not implemented"))
    }
}
