//! `Data`: dashboard and alert queries.

use graft_proto::pluginv2::data_server::Data;
use graft_proto::pluginv2::{
    QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest, QueryDataResponse,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::request::{Answers, Outcome};
use super::{Plugin, from_proto, to_proto};
use crate::query;

#[tonic::async_trait]
impl Data for Plugin {
    async fn query_data(
        &self,
        request: Request<QueryDataRequest>,
    ) -> Result<Response<QueryDataResponse>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let deadline = self.deadline(from_proto::granted_time(&metadata));
        let in_flight = self.begin("queryData", &metadata, request.plugin_context.as_ref());
        in_flight.run(self.queries(request, deadline)).await
    }

    type QueryChunkedDataStream = Answers<QueryChunkedDataResponse>;

    async fn query_chunked_data(
        &self,
        request: Request<QueryChunkedDataRequest>,
    ) -> Result<Response<Self::QueryChunkedDataStream>, Status> {
        let (metadata, _extensions, request) = request.into_parts();
        let deadline = self.deadline(from_proto::granted_time(&metadata));
        let in_flight = self.begin("queryChunkedData", &metadata, request.plugin_context.as_ref());
        let (plugin, (answers, taken)) = (self.clone(), mpsc::channel(1));
        let run = async move { plugin.chunked_queries(request, deadline, answers).await };
        Ok(Response::new(in_flight.stream(run, ReceiverStream::new(taken))))
    }
}

impl Plugin {
    async fn queries(
        &self,
        request: QueryDataRequest,
        deadline: Instant,
    ) -> Result<(QueryDataResponse, Outcome), Status> {
        let from_proto::Asked { settings, queries, caller, format } = from_proto::queries(request)?;
        let (queries, refused) = from_proto::split(queries);
        let refused = refused.into_iter().map(|(ref_id, error)| (ref_id, Err(error)));
        let mut answers: Vec<query::Answer> = refused.collect();
        match self.registry.get(settings, deadline).await {
            Ok(datasource) => {
                let limits = &self.limits;
                let run = query::run_all(&datasource, queries, &caller, format, limits, deadline);
                answers.extend(run.await);
            }
            Err(error) => answers.extend(
                queries
                    .into_iter()
                    .map(|query| (query.ref_id, Err(query::Error::Datasource(error.clone())))),
            ),
        }
        let errors = answers.iter().filter_map(|(_ref_id, answer)| answer.as_ref().err());
        let outcome = Outcome::of_errors(errors);
        Ok((to_proto::query_data_response(answers, format), outcome))
    }

    /// One chunk waits while the next is made; whoever does not take them holds up the rounds.
    async fn chunked_queries(
        &self,
        request: QueryChunkedDataRequest,
        deadline: Instant,
        answers: mpsc::Sender<QueryChunkedDataResponse>,
    ) -> Result<Outcome, Status> {
        let QueryChunkedDataRequest { plugin_context, headers, queries, format } = request;
        let request = QueryDataRequest { plugin_context, headers, queries, format };
        let from_proto::Asked { settings, queries, caller, format } = from_proto::queries(request)?;
        let (queries, mut failed) = from_proto::split(queries);
        // If nobody takes answers any more, all this is about to be dropped.
        match self.registry.get(settings, deadline).await {
            Ok(datasource) => {
                let (parts, mut made) = mpsc::channel(1);
                let run = async {
                    let (datasource, limits) = (&datasource, &self.limits);
                    let run = query::run_in_chunks(
                        datasource, queries, &caller, format, limits, deadline, parts,
                    );
                    run.await
                };
                let pass_on = async {
                    while let Some((ref_id, chunk)) = made.recv().await {
                        let answer =
                            to_proto::query_chunked_data_response(ref_id, Ok(chunk), format);
                        let _nobody_listens = answers.send(answer).await;
                    }
                };
                failed.extend(tokio::join!(run, pass_on).0);
            }
            Err(error) => failed.extend(
                queries
                    .into_iter()
                    .map(|query| (query.ref_id, query::Error::Datasource(error.clone()))),
            ),
        }
        let outcome = Outcome::of_errors(failed.iter().map(|(_ref_id, error)| error));
        for (ref_id, error) in failed {
            let answer = to_proto::query_chunked_data_response(ref_id, Err(error), format);
            let _nobody_listens = answers.send(answer).await;
        }
        Ok(outcome)
    }
}
