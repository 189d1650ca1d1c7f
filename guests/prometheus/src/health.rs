//! "Save & test": ask what only Prometheus answers, and say who it is.

use graft_guest::{Diagnosis, Fetch, Parameter, Refusal, Response, Responses, Verdict};
use serde::Deserialize;

use crate::requests::{ask_for, get};
use crate::response::{self, QueryResult};
use crate::settings::Settings;

#[cfg(test)]
mod tests;

/// What comes before an explanation of where the API should be.
const NO_PROMETHEUS: &str = "What answers at the data source's URL is no Prometheus";

/// An expression that needs no data, and only Prometheus knows how to evaluate; and the question
/// who is there, which not all servers understand.
pub(crate) fn requests(settings: &Settings) -> Result<Fetch, Refusal> {
    settings.scrape_interval()?;
    settings.query_timeout()?;
    let query = vec![Parameter::from(("query", "1+1"))];
    let build = get("/api/v1/status/buildinfo", Vec::new(), settings).tolerate_failure();
    Ok(vec![ask_for("/api/v1/query", query, settings), build].into())
}

/// Judges the answers.
///
/// # Errors
/// What the API says where it refuses or fails.
pub(crate) fn diagnose(responses: Responses) -> Result<Verdict, Refusal> {
    let mut responses = responses.into_iter();
    let query = responses.next();
    let Some(query) = query else {
        return Err(Refusal::Internal("The health check has no response to judge.".to_owned()));
    };
    let answer = match response::read(&query) {
        Ok(answer) => answer,
        Err(Refusal::UnexpectedResponse(problem)) => return Ok(no_prometheus(&problem)),
        Err(refusal) if matches!(query.status, 404 | 405) => {
            return Ok(no_prometheus(crate::words(&refusal)));
        }
        Err(refusal) => return Err(refusal),
    };
    if let Some(error) = answer.error {
        return Err(error.into());
    }
    if !matches!(answer.result, Some(QueryResult::Scalar(_, 2.0))) {
        return Ok(no_prometheus("It does not know that 1+1 is 2."));
    }
    let build = responses.next().and_then(|response| build(&response));
    Ok(healthy(build.unwrap_or_default()).into())
}

fn no_prometheus(problem: &str) -> Verdict {
    let sentence = if problem.ends_with(['.', '?', '!']) { "" } else { "." };
    Diagnosis::unhealthy(format!(
        "{NO_PROMETHEUS}: {problem}{sentence} The URL must be what comes before '/api/v1', such as \
         'http://prometheus:9090', or 'http://mimir:8080/prometheus' for Mimir."
    ))
    .into()
}

/// What a server says about itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Build {
    application: String,
    version: String,
    features: serde_json::Map<String, serde_json::Value>,
}

fn build(response: &Response) -> Option<Build> {
    #[derive(Deserialize)]
    struct Document {
        data: Build,
    }
    let document: Document = response.json().ok()?;
    Some(document.data)
}

/// What was found, with the details that Grafana's own data source gives: its front end reads them.
fn healthy(build: Build) -> Diagnosis {
    let Build { application, version, features } = build;
    // Only Mimir and its kin tell their features, and no Prometheus that tells its version at all
    // is below 2, as Thanos is.
    let application = match application.as_str() {
        "" if version.is_empty() => "unknown",
        "" if !features.is_empty() => "Mimir",
        "" if version.starts_with("0.") => "Thanos",
        "" => "Prometheus",
        application => application,
    };
    let message = match (application, version.as_str()) {
        ("unknown", _) => "Prometheus' API answers; who it is, it does not say.".to_owned(),
        (application, "") => format!("{application} answers."),
        (application, version) => format!("{application} {version} answers."),
    };
    let ruler = !features.is_empty();
    Diagnosis::healthy(message).details(serde_json::json!({
        "application": application,
        "version": version,
        "features": { "rulerApiEnabled": ruler },
    }))
}
