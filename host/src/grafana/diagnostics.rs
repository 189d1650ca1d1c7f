//! `Diagnostics`: "Save & test", and the metrics.

use graft_proto::pluginv2::collect_metrics_response::Payload;
use graft_proto::pluginv2::diagnostics_server::Diagnostics;
use graft_proto::pluginv2::{
    CheckHealthRequest, CheckHealthResponse, CollectMetricsRequest, CollectMetricsResponse,
    PluginContext,
};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::request::Outcome;
use super::{Plugin, from_proto, to_proto};
use crate::health::{self, Checked};
use crate::model::Caller;

#[tonic::async_trait]
impl Diagnostics for Plugin {
    /// Whatever is wrong with the settings is an answer, not a gRPC status (contract section 5.2).
    async fn check_health(
        &self,
        request: Request<CheckHealthRequest>,
    ) -> Result<Response<CheckHealthResponse>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let deadline = self.deadline(from_proto::granted_time(&metadata));
        let (context, caller) = (request.plugin_context, from_proto::caller(request.headers));
        let in_flight = self.begin("checkHealth", &metadata, context.as_ref());
        in_flight.run(self.health(context, caller, deadline)).await
    }

    async fn collect_metrics(
        &self,
        request: Request<CollectMetricsRequest>,
    ) -> Result<Response<CollectMetricsResponse>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let context = request.plugin_context.as_ref();
        let in_flight = self.begin("collectMetrics", &metadata, context);
        in_flight.run(async { self.collected() }).await
    }
}

impl Plugin {
    async fn health(
        &self,
        context: Option<PluginContext>,
        caller: Caller,
        deadline: Instant,
    ) -> Result<(CheckHealthResponse, Outcome), Status> {
        let settings = from_proto::settings(context)?;
        let checked = match self.registry.get(settings, deadline).await {
            Ok(datasource) => health::check(&datasource, &caller, &self.limits, deadline).await,
            Err(error) => Checked { judgement: Err(error.into()), details: String::new() },
        };
        let outcome = Outcome::of(&checked.judgement);
        Ok((to_proto::check_health_response(checked), outcome))
    }

    fn collected(&self) -> Result<(CollectMetricsResponse, Outcome), Status> {
        let text = self.metrics.text().map_err(|error| Status::internal(error.to_string()))?;
        let metrics = Some(Payload { prometheus: text.into() });
        Ok((CollectMetricsResponse { metrics }, Outcome::Ok))
    }
}
