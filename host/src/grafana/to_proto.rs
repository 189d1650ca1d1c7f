//! Grafana's words for what came of a request: the only place where errors take their form on the wire.

use std::collections::HashMap;

use bytes::Bytes;
use graft_proto::pluginv2::check_health_response::HealthStatus;
use graft_proto::pluginv2::{
    CallResourceResponse, CheckHealthResponse, ConversionResponse, DataFrameFormat, DataResponse,
    MutationResponse, QueryChunkedDataResponse, QueryDataResponse, RawObject, StatusResult,
    StringList, ValidationResponse,
};
use serde_json::json;

use crate::admission::Review;
use crate::health::Checked;
use crate::limits::RESOURCE_MESSAGE_BYTES;
use crate::model::{Diagnosis, Format, ResourceResponse};
use crate::query::{Answer, Chunk, Error};

/// A status of success, which must be said: Grafana reads 0 as 500 (contract section 4.1).
const OK: i32 = 200;

/// Answers each ref id.
pub(super) fn query_data_response(answers: Vec<Answer>, format: Format) -> QueryDataResponse {
    let responses = answers.into_iter().map(|(ref_id, answer)| {
        let response = data_response(&ref_id, answer, format);
        (ref_id, response)
    });
    QueryDataResponse { responses: responses.collect() }
}

/// Rows of a frame, or why there are no more.
pub(super) fn query_chunked_data_response(
    ref_id: String,
    answer: Result<Chunk, Error>,
    format: Format,
) -> QueryChunkedDataResponse {
    let (frame_id, frame) = match &answer {
        Ok(chunk) => (chunk.frame_id.clone(), chunk.bytes.clone()),
        Err(_error) => (String::new(), Bytes::new()),
    };
    let answer = data_response(&ref_id, answer.map(|_chunk| Vec::new()), format);
    let DataResponse { error, status, error_source, format, .. } = answer;
    QueryChunkedDataResponse { ref_id, frame_id, frame, error, status, error_source, format }
}

fn data_response(ref_id: &str, answer: Result<Vec<Bytes>, Error>, format: Format) -> DataResponse {
    // Grafana decodes by what the answer says, not by what it asked for (contract section 3.1).
    let format = match format {
        Format::Arrow => DataFrameFormat::Arrow,
        Format::Json => DataFrameFormat::Json,
    };
    match answer {
        Ok(frames) => {
            DataResponse { frames, status: OK, format: format.into(), ..DataResponse::default() }
        }
        Err(error) => {
            let (status, source) = (error.status(), error.source_of_error().as_str());
            let chain: &dyn std::error::Error = &error;
            tracing::warn!(
                refId = ref_id,
                status,
                statusSource = source,
                error = chain,
                "Query failed"
            );
            DataResponse {
                error: error.user_message(),
                status: status.into(),
                error_source: source.to_owned(),
                format: format.into(),
                ..DataResponse::default()
            }
        }
    }
}

/// A diagnosis, or what kept it from being made; either way an answer.
pub(super) fn check_health_response(checked: Checked) -> CheckHealthResponse {
    let Checked { judgement, details } = checked;
    let (status, message) = match judgement {
        Ok(Diagnosis { healthy: true, message, .. }) => (HealthStatus::Ok, message),
        Ok(Diagnosis { message, .. }) => (HealthStatus::Error, message),
        Err(error) => {
            let chain: &dyn std::error::Error = &error;
            tracing::warn!(status = error.status(), error = chain, "Health check failed");
            (HealthStatus::Error, error.user_message())
        }
    };
    CheckHealthResponse { status: status.into(), message, json_details: details.into() }
}

/// A resource response, or why there is none, as one or more messages: the first has status and header fields (contract
/// section 5.4), the others more of the body.
pub(super) fn call_resource_responses(
    answered: Result<ResourceResponse, Error>,
) -> Vec<CallResourceResponse> {
    let response = answered.unwrap_or_else(|error| resource_error(&error));
    let mut headers: HashMap<String, StringList> = HashMap::new();
    for (name, value) in response.headers {
        headers.entry(name).or_default().values.push(value);
    }
    if !response.body.is_empty() {
        let json = || StringList { values: vec!["application/json".to_owned()] };
        headers.entry("content-type".to_owned()).or_insert_with(json);
    }
    let mut body = Bytes::from(response.body);
    let mut part = || body.split_to(body.len().min(RESOURCE_MESSAGE_BYTES));
    // To the browser a 401 would mean that its user is not signed in to Grafana, and it would sign them out. Grafana's own data
    // source proxy says 400 then as well.
    let code = if response.status == 401 { 400 } else { response.status.into() };
    let mut messages = vec![CallResourceResponse { code, headers, body: part() }];
    loop {
        match part() {
            end if end.is_empty() => return messages,
            body => messages.push(CallResourceResponse { body, ..CallResourceResponse::default() }),
        }
    }
}

/// A JSON object with the sentence as `message`, which is what Grafana's front end shows.
fn resource_error(error: &Error) -> ResourceResponse {
    let (status, source) = (error.status(), error.source_of_error().as_str());
    let chain: &dyn std::error::Error = error;
    tracing::warn!(status, statusSource = source, error = chain, "Resource call failed");
    let body = json!({ "message": error.user_message(), "status": status, "errorSource": source });
    ResourceResponse { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// A review as an answer.
pub(super) fn validation_response(review: Review) -> ValidationResponse {
    let (allowed, result) = verdict(&review.objections);
    ValidationResponse { allowed, result: Some(result), warnings: review.warnings }
}

/// A review as an answer, with the object that was reviewed.
pub(super) fn mutation_response(review: Review, object: Bytes) -> MutationResponse {
    let (allowed, result) = verdict(&review.objections);
    let object_bytes = if allowed { object } else { Bytes::new() };
    MutationResponse { allowed, result: Some(result), warnings: review.warnings, object_bytes }
}

fn verdict(objections: &[String]) -> (bool, StatusResult) {
    match objections {
        [] => (true, success()),
        objections => (false, failure(422, "Invalid", objections.join(" "))),
    }
}

/// Migrated queries, or why there are none.
pub(super) fn conversion_response(
    uid: String,
    migrated: Result<Vec<String>, Error>,
) -> ConversionResponse {
    let object = |model: String| RawObject {
        raw: model.into(),
        content_type: "application/json".to_owned(),
    };
    match migrated {
        Ok(models) => ConversionResponse {
            uid,
            result: Some(success()),
            objects: models.into_iter().map(object).collect(),
        },
        Err(error) => {
            let chain: &dyn std::error::Error = &error;
            tracing::warn!(status = error.status(), error = chain, "Conversion failed");
            let reason = if error.status() < 500 { "BadRequest" } else { "InternalError" };
            let result = failure(error.status(), reason, error.user_message());
            ConversionResponse { uid, result: Some(result), objects: Vec::new() }
        }
    }
}

/// Status and reasons are Kubernetes' words (its API conventions, section "Response Status Kind").
fn success() -> StatusResult {
    StatusResult { status: "Success".to_owned(), code: OK, ..StatusResult::default() }
}

fn failure(code: u16, reason: &str, message: String) -> StatusResult {
    let (status, reason) = ("Failure".to_owned(), reason.to_owned());
    StatusResult { status, message, reason, code: code.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_says_200_and_its_format() {
        let frames = vec![Bytes::from_static(b"frame")];
        let response = query_data_response(vec![("A".to_owned(), Ok(frames))], Format::Json);
        let answer = &response.responses["A"];
        assert_eq!((answer.status, answer.format()), (200, DataFrameFormat::Json));
        assert_eq!((answer.error.as_str(), answer.error_source.as_str()), ("", ""));
    }

    #[test]
    fn an_error_says_status_source_and_what_to_do() {
        let guest = "things 1.2.3".to_owned();
        let error = Error::TooMany { guest, what: "rounds", key: "rounds", limit: 50 };
        let answers = vec![("B".to_owned(), Err(error))];
        let answer = query_data_response(answers, Format::Arrow).responses.remove("B").unwrap();
        assert_eq!((answer.status, answer.error_source.as_str()), (400, "downstream"));
        assert!(answer.error.contains("raise 'rounds'"), "{}", answer.error);
        assert!(answer.frames.is_empty());
    }
}
