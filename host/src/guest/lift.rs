//! The contract's types as nouns of `model`: what a guest returned. Lists are moved, never copied.

use std::time::Duration;

use ::http::header::{CONNECTION, CONTENT_LENGTH, SET_COOKIE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use ::http::{HeaderName, HeaderValue};

use super::bindings::exports::graft::datasource::{describe, health, query, resources};
use super::bindings::graft::datasource::{context, http};
use super::error::Failure;
use crate::limits::{ERROR_TEXT_BYTES_MAX, HEALTH_DETAILS_BYTES_MAX, STATE_BYTES_MAX};
use crate::model;

mod frame;

/// What no guest says to a browser.
const DROPPED_HEADERS: [HeaderName; 6] =
    [CONNECTION, CONTENT_LENGTH, SET_COOKIE, TRAILER, TRANSFER_ENCODING, UPGRADE];

pub(super) fn fetch(fetch: http::Fetch) -> Result<model::Fetch, Failure> {
    if fetch.state.len() > STATE_BYTES_MAX {
        return Err(Failure::State(fetch.state.len()));
    }
    let requests = fetch.requests.into_iter().map(request).collect();
    Ok(model::Fetch { requests, state: fetch.state })
}

pub(super) fn outcome(outcome: query::Outcome) -> Result<model::Outcome, Failure> {
    let next = outcome.next.map(fetch).transpose()?;
    Ok(model::Outcome { frames: outcome.frames.into_iter().map(frame::frame).collect(), next })
}

pub(super) fn verdict(verdict: health::Verdict) -> Result<model::Verdict, Failure> {
    Ok(match verdict {
        health::Verdict::Done(diagnosis) => {
            let bytes = diagnosis.details.as_ref().map_or(0, String::len);
            if bytes > HEALTH_DETAILS_BYTES_MAX {
                return Err(Failure::Contract(format!("{bytes} bytes of details of its health")));
            }
            model::Verdict::Done(model::Diagnosis {
                healthy: diagnosis.healthy,
                message: short(diagnosis.message),
                details: diagnosis.details,
            })
        }
        health::Verdict::Next(next) => model::Verdict::Next(fetch(next)?),
    })
}

/// A header field that HTTP could not carry is as wrong as a status that it does not have. Fields that are the connection's, or
/// would set a cookie for Grafana's own host, are dropped.
pub(super) fn reply(reply: resources::Reply) -> Result<model::Reply, Failure> {
    let response = match reply {
        resources::Reply::Done(response) => response,
        resources::Reply::Next(next) => return Ok(model::Reply::Next(fetch(next)?)),
    };
    if !(200..=599).contains(&response.status) {
        let status = response.status;
        return Err(Failure::Contract(format!("a resource response of status {status}")));
    }
    let mut headers = Vec::with_capacity(response.headers.len());
    for http::Header { name, value } in response.headers {
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).ok().zip(value.parse::<HeaderValue>().ok());
        let Some((name, _value)) = parsed else {
            let text = "a resource response with a header field that HTTP does not allow";
            return Err(Failure::Contract(text.to_owned()));
        };
        if !DROPPED_HEADERS.contains(&name) {
            headers.push((name.as_str().to_owned(), value));
        }
    }
    let (status, body) = (response.status, response.body);
    Ok(model::Reply::Done(model::ResourceResponse { status, headers, body }))
}

/// Nothing or the one request of a live stream.
pub(super) fn live(live: Option<http::Fetch>) -> Result<Option<model::Fetch>, Failure> {
    let Some(live) = live.map(fetch).transpose()? else { return Ok(None) };
    if live.requests.len() == 1 {
        return Ok(Some(live));
    }
    let count = live.requests.len();
    Err(Failure::Contract(format!("{count} requests for a live stream, which has exactly one")))
}

/// A migrated query, which must still be one.
pub(super) fn model(model: String) -> Result<String, Failure> {
    match serde_json::from_str::<model::JsonObject>(&model) {
        Ok(_object) => Ok(model),
        Err(_other) => Err(Failure::Contract("a migrated query that is no JSON object".to_owned())),
    }
}

pub(super) fn refusal(refusal: context::Refusal) -> model::Refusal {
    match refusal {
        context::Refusal::BadQuery(text) => model::Refusal::BadQuery(short(text)),
        context::Refusal::BadSettings(text) => model::Refusal::BadSettings(short(text)),
        context::Refusal::NotFound(text) => model::Refusal::NotFound(short(text)),
        context::Refusal::Unsupported(text) => model::Refusal::Unsupported(short(text)),
        context::Refusal::Downstream(error) => {
            model::Refusal::Downstream { status: error.status, message: short(error.message) }
        }
        context::Refusal::UnexpectedResponse(text) => {
            model::Refusal::UnexpectedResponse(short(text))
        }
        context::Refusal::Internal(text) => model::Refusal::Internal(short(text)),
    }
}

pub(super) fn description(description: describe::Description) -> model::Description {
    let secrets = description.secrets.into_iter().map(|secret| model::SecretDescription {
        name: secret.name,
        title: secret.title,
        help: secret.help,
        required: secret.required,
    });
    model::Description {
        name: description.name,
        title: description.title,
        version: description.version,
        vendor: description.vendor,
        documentation: description.documentation,
        query_schema: description.query_schema,
        settings_schema: description.settings_schema,
        secrets: secrets.collect(),
        capabilities: description.capabilities.into_iter().map(capability).collect(),
        methods: description.methods.into_iter().map(method).collect(),
        hosts: description.hosts,
        pace: model::Pace::default(),
        cache_for: None,
    }
}

fn capability(capability: describe::Capability) -> model::Capability {
    match capability {
        describe::Capability::Metrics => model::Capability::Metrics,
        describe::Capability::Logs => model::Capability::Logs,
        describe::Capability::Traces => model::Capability::Traces,
        describe::Capability::Annotations => model::Capability::Annotations,
        describe::Capability::Streaming => model::Capability::Streaming,
        describe::Capability::Variables => model::Capability::Variables,
        describe::Capability::Alerting => model::Capability::Alerting,
    }
}

fn request(request: http::Request) -> model::Request {
    model::Request {
        method: method(request.method),
        target: request.target,
        parameters: pairs(request.parameters),
        headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: request.body.map(|body| match body {
            http::Body::Bytes(bytes) => model::Body::Bytes(bytes),
            http::Body::Text(text) => model::Body::Text(text),
            http::Body::Json(json) => model::Body::Json(json),
            http::Body::Form(fields) => model::Body::Form(pairs(fields)),
        }),
        cache_for: request.hints.cache_for.map(Duration::from_nanos),
        idempotent: request.hints.idempotent,
        timeout: request.hints.timeout.map(Duration::from_nanos),
        tolerate_failure: request.hints.tolerate_failure,
    }
}

fn method(method: http::Method) -> model::Method {
    match method {
        http::Method::Get => model::Method::Get,
        http::Method::Head => model::Method::Head,
        http::Method::Post => model::Method::Post,
        http::Method::Put => model::Method::Put,
        http::Method::Patch => model::Method::Patch,
        http::Method::Delete => model::Method::Delete,
    }
}

fn pairs(parameters: Vec<http::Parameter>) -> Vec<(String, String)> {
    parameters.into_iter().map(|parameter| (parameter.name, parameter.value)).collect()
}

/// A text for the user, cut to what a user reads.
fn short(mut text: String) -> String {
    if text.len() > ERROR_TEXT_BYTES_MAX {
        let mut end = ERROR_TEXT_BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}
