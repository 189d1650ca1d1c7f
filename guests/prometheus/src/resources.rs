//! What editors and variables ask for outside of queries: names, values and metadata, passed
//! through as Prometheus says them.
//!
//! Only paths that read are known. What changes something, or tells how the server is configured,
//! is nobody's business here.

use graft_guest::{
    Fetch, Header, Parameter, Refusal, Reply, ResourceRequest, ResourceResponse, Response,
    Responses, encode_segment,
};

use crate::requests::{ask_for, get};
use crate::settings::Settings;

#[cfg(test)]
mod tests;

/// Paths that Prometheus answers to GET and POST.
const GET_OR_POST: [&str; 7] = [
    "api/v1/labels",
    "api/v1/series",
    "api/v1/query",
    "api/v1/query_range",
    "api/v1/query_exemplars",
    "api/v1/format_query",
    "api/v1/parse_query",
];

/// Paths that Prometheus answers to GET alone.
const ONLY_GET: [&str; 5] = [
    "api/v1/metadata",
    "api/v1/targets/metadata",
    "api/v1/rules",
    "api/v1/alerts",
    "api/v1/status/buildinfo",
];

/// The name under which Grafana's front end asks for the version.
const VERSION: &str = "version-detect";

/// The state of a round in which a POST was tried that GET may stand in for.
const TRIED_POST: &str = "POST";

/// What to ask Prometheus.
///
/// # Errors
/// If the path is none of these, or the method neither GET nor POST.
pub(crate) fn requests(request: &ResourceRequest, settings: &Settings) -> Result<Fetch, Refusal> {
    let resource = Resource::of(request)?;
    let fields = fields(request);
    if resource.may_post && request.method == "POST" && !settings.only_get() {
        return Ok(Fetch::from(ask_for(&resource.target, fields, settings)).state(TRIED_POST));
    }
    Ok(get(&resource.target, fields, settings).into())
}

/// Passes the answer on. Where POST was not understood, GET is tried.
///
/// # Errors
/// What the API says, if it is not JSON.
pub(crate) fn respond(
    request: &ResourceRequest,
    settings: &Settings,
    responses: Responses,
    state: &str,
) -> Result<Reply, Refusal> {
    let count = responses.len();
    let Ok([response]) = <[Response; 1]>::try_from(responses.into_iter().collect::<Vec<_>>())
    else {
        return Err(Refusal::Internal(format!("The guest wanted one response and got {count}.")));
    };
    let content_type = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let json = content_type.contains("json");
    // A 400 in JSON is Prometheus' own and would be the same again.
    if state == TRIED_POST && (response.status == 405 || response.status == 400 && !json) {
        let resource = Resource::of(request)?;
        return Ok(Fetch::from(get(&resource.target, fields(request), settings)).into());
    }
    if !json {
        // A page would come to the browser as if it were Grafana's.
        return Err(if response.is_success() {
            let text = "The API answered with something that is not JSON. Is the URL right?";
            Refusal::UnexpectedResponse(text.to_owned())
        } else {
            response.refusal()
        });
    }
    let content_type =
        Header { name: "content-type".to_owned(), value: "application/json".to_owned() };
    let Response { status, body, .. } = response;
    Ok(ResourceResponse { status, headers: vec![content_type], body }.into())
}

/// A path that is known.
struct Resource {
    target: String,
    may_post: bool,
}

impl Resource {
    fn of(request: &ResourceRequest) -> Result<Self, Refusal> {
        let path = request.path.trim_matches('/');
        if !matches!(request.method.as_str(), "GET" | "POST") {
            let method = &request.method;
            let text = format!("The resource '{path}' is for GET and POST, not for {method}.");
            return Err(Refusal::BadQuery(text));
        }
        let target = match path {
            path if path.eq_ignore_ascii_case(VERSION) => "/api/v1/status/buildinfo".to_owned(),
            path if GET_OR_POST.contains(&path) || ONLY_GET.contains(&path) => format!("/{path}"),
            path => label_values(path).ok_or_else(|| {
                Refusal::NotFound(format!("This guest has no resource '{path}'."))
            })?,
        };
        Ok(Self { target, may_post: GET_OR_POST.contains(&path) })
    }
}

/// The path of a label's values, with the label as one segment.
fn label_values(path: &str) -> Option<String> {
    let label = path.strip_prefix("api/v1/label/")?.strip_suffix("/values")?;
    let climbs = matches!(label, "" | "." | "..");
    (!climbs).then(|| format!("/api/v1/label/{}/values", encode_segment(label)))
}

/// The parameters of the call, from its URL and from the form in its body.
fn fields(request: &ResourceRequest) -> Vec<Parameter> {
    let mut fields = request.parameters.clone();
    let form = form_urlencoded::parse(&request.body);
    fields.extend(form.map(|(name, value)| Parameter::from((name, value))));
    fields
}
