//! `Data`: dashboard and alert queries.

use std::pin::Pin;

use graft_proto::pluginv2::data_server::Data;
use graft_proto::pluginv2::{
    QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest, QueryDataResponse,
};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{Plugin, from_proto, to_proto};
use crate::query;

#[tonic::async_trait]
impl Data for Plugin {
    async fn query_data(
        &self,
        request: Request<QueryDataRequest>,
    ) -> Result<Response<QueryDataResponse>, Status> {
        let deadline = self.deadline(from_proto::granted_time(request.metadata()));
        let from_proto::Asked { settings, queries, format } =
            from_proto::queries(request.into_inner())?;
        let span = tracing::info_span!(
            "request",
            endpoint = "queryData",
            dsName = settings.name,
            dsUid = settings.uid
        );
        async {
            let (queries, mut answers) = from_proto::split(queries);
            match self.registry.get(settings, deadline).await {
                Ok(datasource) => answers.extend(
                    query::run_all(&datasource, queries, format, &self.limits, deadline).await,
                ),
                Err(error) => answers.extend(
                    queries
                        .into_iter()
                        .map(|query| (query.ref_id, Err(query::Error::Datasource(error.clone())))),
                ),
            }
            Ok(Response::new(to_proto::query_data_response(answers, format)))
        }
        .instrument(span)
        .await
    }

    type QueryChunkedDataStream =
        Pin<Box<dyn Stream<Item = Result<QueryChunkedDataResponse, Status>> + Send>>;

    /// Grafana falls back to `QueryData` (contract section 4.4).
    async fn query_chunked_data(
        &self,
        _request: Request<QueryChunkedDataRequest>,
    ) -> Result<Response<Self::QueryChunkedDataStream>, Status> {
        Err(Status::unimplemented("QueryChunkedData is not implemented"))
    }
}
