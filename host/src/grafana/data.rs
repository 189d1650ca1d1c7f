//! `Data`: dashboard and alert queries.

use std::pin::Pin;

use graft_proto::pluginv2::data_server::Data;
use graft_proto::pluginv2::{
    QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest, QueryDataResponse,
};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{Plugin, from_proto, to_proto};
use crate::model::Query;
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
            let (queries, refused) = from_proto::split(queries);
            let refused = refused.into_iter().map(|(ref_id, error)| (ref_id, Err(error)));
            let mut answers: Vec<query::Answer> = refused.collect();
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

    async fn query_chunked_data(
        &self,
        request: Request<QueryChunkedDataRequest>,
    ) -> Result<Response<Self::QueryChunkedDataStream>, Status> {
        let deadline = self.deadline(from_proto::granted_time(request.metadata()));
        let QueryChunkedDataRequest { plugin_context, headers, queries, format } =
            request.into_inner();
        let request = QueryDataRequest { plugin_context, headers, queries, format };
        let from_proto::Asked { settings, queries, format } = from_proto::queries(request)?;
        let span = tracing::info_span!(
            "request",
            endpoint = "queryChunkedData",
            dsName = settings.name,
            dsUid = settings.uid
        );
        let (queries, refused) = from_proto::split(queries);
        let datasource = self.registry.get(settings, deadline).instrument(span).await;
        let refused = refused.into_iter().map(|(ref_id, error)| (ref_id, Err(error)));
        let parts: Pin<Box<dyn Stream<Item = query::Part> + Send>> = match datasource {
            Ok(datasource) => {
                let limits = self.limits.clone();
                Box::pin(query::run_in_chunks(datasource, queries, format, limits, deadline))
            }
            Err(error) => {
                let answer = move |query: Query| {
                    (query.ref_id, Err(query::Error::Datasource(error.clone())))
                };
                Box::pin(tokio_stream::iter(queries.into_iter().map(answer)))
            }
        };
        let parts = tokio_stream::iter(refused).chain(parts);
        let response = move |(ref_id, answer)| {
            Ok(to_proto::query_chunked_data_response(ref_id, answer, format))
        };
        Ok(Response::new(Box::pin(parts.map(response))))
    }
}
