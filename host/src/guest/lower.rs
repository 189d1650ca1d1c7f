//! The nouns of `model` as the contract's types: what a guest is given.

use std::time::Duration;

use super::bindings::exports::graft::datasource::{query, resources};
use super::bindings::graft::datasource::context::Datasource;
use super::bindings::graft::datasource::http::{Header, Parameter, Response, TransportFailure};
use crate::model;

pub(super) fn query(query: &model::Query) -> query::Query {
    query::Query {
        ref_id: query.ref_id.clone(),
        query_type: query.query_type.clone(),
        model: query.model.clone(),
        time_range: query::TimeRange { from: query.from, to: query.to },
        interval: nanoseconds(query.interval),
        max_data_points: query.max_data_points,
        from_alert: query.from_alert,
    }
}

pub(super) fn datasource(view: &model::DatasourceView) -> Datasource {
    Datasource {
        uid: view.uid.clone(),
        name: view.name.clone(),
        url: view.url.clone(),
        settings: view.settings.clone(),
        secrets: view.secrets.clone(),
    }
}

pub(super) fn resource_request(request: model::ResourceRequest) -> resources::ResourceRequest {
    let parameters = request.parameters.into_iter();
    resources::ResourceRequest {
        method: request.method,
        path: request.path,
        parameters: parameters.map(|(name, value)| Parameter { name, value }).collect(),
        headers: headers(request.headers),
        body: request.body,
    }
}

/// Bodies are moved, or copied if another query has the same.
pub(super) fn responses(responses: Vec<model::Response>) -> Vec<Response> {
    responses.into_iter().map(response).collect()
}

fn response(response: model::Response) -> Response {
    Response {
        status: response.status,
        headers: headers(response.headers),
        body: response.body.into(),
        failure: response.failure.map(|failure| match failure {
            model::TransportFailure::Unreachable(text) => TransportFailure::Unreachable(text),
            model::TransportFailure::Timeout(text) => TransportFailure::Timeout(text),
            model::TransportFailure::Tls(text) => TransportFailure::Tls(text),
            model::TransportFailure::Broken(text) => TransportFailure::Broken(text),
        }),
    }
}

fn headers(headers: Vec<(String, String)>) -> Vec<Header> {
    headers.into_iter().map(|(name, value)| Header { name, value }).collect()
}

/// 584 years fit; what is longer is as good as that.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
