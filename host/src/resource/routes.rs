//! The paths that the host itself answers: what an editor needs to know before there is a query, or even a guest.

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{named, readiness};
use crate::datasource::{self, RawSettings, Registry};
use crate::guest::CONTRACT_VERSION;
use crate::limits::{LISTED_GUEST_TIME, Limits};
use crate::model::{
    self, Caller, Capability, Description, Method, ResourceRequest, ResourceResponse,
};
use crate::query::Error;

/// The plugin's id in Grafana.
const PLUGIN_ID: &str = "graft-datasource";

/// A path of the host's own, each exactly one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// All installed guests, to choose from.
    Guests,
    /// What one guest says about itself: `?guest=`, or that of the data source.
    Schema,
    /// The plugin's version and the contract's.
    Version,
    /// Whether an alert rule could evaluate queries.
    AlertReadiness,
}

impl Route {
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "guests" => Some(Self::Guests),
            "schema" => Some(Self::Schema),
            "version" => Some(Self::Version),
            "alert-readiness" => Some(Self::AlertReadiness),
            _ => None,
        }
    }

    /// Answers. Nobody's secrets or settings are part of any answer.
    pub(super) async fn answer(
        self,
        registry: &Registry,
        settings: Option<RawSettings>,
        request: &ResourceRequest,
        caller: &Caller,
        limits: &Limits,
        deadline: Instant,
    ) -> Result<ResourceResponse, Error> {
        let allowed = if self == Self::AlertReadiness { "POST" } else { "GET" };
        if request.method != allowed {
            return Ok(method_not_allowed(request, allowed));
        }
        Ok(match self {
            Self::Guests => json(&GuestList { guests: guests(registry, deadline).await }),
            Self::Schema => {
                let guest = asked_guest(request, settings.as_ref())?;
                let guest = registry.guests().describe(&guest, deadline).await?;
                json(&schema(&guest))
            }
            Self::Version => json(&Version {
                plugin: PLUGIN_ID,
                version: env!("CARGO_PKG_VERSION"),
                contract: CONTRACT_VERSION,
            }),
            Self::AlertReadiness => {
                let datasource = named(registry, settings, request, deadline).await?;
                let judged =
                    readiness::judge(&datasource, &request.body, caller, limits, deadline).await?;
                json(&judged)
            }
        })
    }
}

/// The guest that `?guest=` names, or that of the data source.
fn asked_guest(request: &ResourceRequest, settings: Option<&RawSettings>) -> Result<String, Error> {
    if let Some((_name, guest)) = request.parameters.iter().find(|(name, _)| name == "guest") {
        return Ok(guest.clone());
    }
    let settings =
        settings.ok_or_else(|| Error::Invalid("it names no guest (?guest=)".to_owned()))?;
    Ok(settings.guest().map_err(datasource::Error::from)?)
}

#[derive(Serialize)]
struct GuestList {
    guests: Vec<Listed>,
}

/// A guest that can be chosen, or why one cannot.
#[derive(Serialize)]
#[serde(untagged)]
enum Listed {
    Ready(Summary),
    Broken { name: String, error: String },
}

#[derive(Serialize)]
struct Summary {
    name: String,
    title: String,
    version: String,
    vendor: String,
    documentation: String,
    capabilities: Vec<Capability>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Schema<'a> {
    #[serde(flatten)]
    summary: Summary,
    query_schema: Option<&'a RawValue>,
    settings_schema: Option<&'a RawValue>,
    secrets: Vec<Secret<'a>>,
    methods: Vec<&'static str>,
    hosts: &'a [String],
    pace: Pace,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pace {
    requests_per_second: Option<f64>,
    burst: Option<u32>,
    in_flight: Option<u32>,
    /// Seconds.
    cache_for: Option<f64>,
}

#[derive(Serialize)]
struct Secret<'a> {
    name: &'a str,
    title: &'a str,
    help: &'a str,
    required: bool,
}

#[derive(Serialize)]
struct Version {
    plugin: &'static str,
    version: &'static str,
    contract: &'static str,
}

/// All guests, those that are not ready in a few seconds with the reason.
async fn guests(registry: &Registry, deadline: Instant) -> Vec<Listed> {
    let guests = registry.guests();
    let deadline = deadline.min(Instant::now() + LISTED_GUEST_TIME);
    let listed =
        guests.names().into_iter().map(async |name| match guests.describe(&name, deadline).await {
            Ok(guest) => Listed::Ready(summary(&guest)),
            Err(error) => Listed::Broken { name, error: error.user_message() },
        });
    join_all(listed).await
}

fn summary(description: &Description) -> Summary {
    Summary {
        name: description.name.clone(),
        title: description.title.clone(),
        version: description.version.clone(),
        vendor: description.vendor.clone(),
        documentation: description.documentation.clone(),
        capabilities: description.capabilities.clone(),
    }
}

fn schema(description: &Description) -> Schema<'_> {
    let secrets = description.secrets.iter().map(|secret| Secret {
        name: &secret.name,
        title: &secret.title,
        help: &secret.help,
        required: secret.required,
    });
    // The contract's rule: no method means GET.
    let methods = match description.methods.as_slice() {
        [] => vec![Method::Get.as_str()],
        methods => methods.iter().map(|method| method.as_str()).collect(),
    };
    Schema {
        summary: summary(description),
        // Both were checked to be JSON objects when the guest was loaded.
        query_schema: serde_json::from_str(&description.query_schema).ok(),
        settings_schema: serde_json::from_str(&description.settings_schema).ok(),
        secrets: secrets.collect(),
        methods,
        hosts: &description.hosts,
        pace: pace(description),
    }
}

/// How fast the API may be asked, as its vendor says.
fn pace(description: &Description) -> Pace {
    let model::Pace { requests_per_second, burst, in_flight } = description.pace;
    let cache_for = description.cache_for.map(|time| time.as_secs_f64());
    Pace { requests_per_second, burst, in_flight, cache_for }
}

fn json(answer: &impl Serialize) -> ResourceResponse {
    // Maps with keys of another type than text are what cannot be written, and there are none.
    let body = serde_json::to_vec(answer).unwrap_or_default();
    ResourceResponse { status: 200, headers: Vec::new(), body }
}

/// RFC 9110, section 15.5.6: what is allowed must be said.
fn method_not_allowed(request: &ResourceRequest, allowed: &str) -> ResourceResponse {
    let ResourceRequest { method, path, .. } = request;
    let method: String = method.chars().take(20).flat_map(char::escape_debug).collect();
    let message = format!("'{path}' answers {allowed} alone, and this is a {method} request.");
    let body = serde_json::json!({ "message": message }).to_string().into_bytes();
    let headers = vec![("allow".to_owned(), allowed.to_owned())];
    ResourceResponse { status: 405, headers, body }
}
