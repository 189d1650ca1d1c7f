//! One resource call, from start to end: what an editor or a template variable asks for outside of a query.

mod readiness;
mod routes;

use std::sync::Arc;

use tokio::time::Instant;

use crate::datasource::{Datasource, RawSettings, Registry};
use crate::egress::{Asker, Demand, Journal};
use crate::limits::Limits;
use crate::model::{Caller, Reply, ResourceRequest, ResourceResponse};
use crate::query::{Error, Rounds, check, check_json};
use routes::Route;

/// Answers a resource call: by the host itself if the path is one of its own, else by the datasource's guest.
///
/// `settings` is none where Grafana asks the plugin and not one of its data sources.
pub async fn answer(
    registry: &Registry,
    settings: Option<RawSettings>,
    request: &ResourceRequest,
    caller: &Caller,
    limits: &Limits,
    deadline: Instant,
) -> Result<ResourceResponse, Error> {
    if let Some(route) = Route::of(&request.path) {
        return route.answer(registry, settings, request, caller, limits, deadline).await;
    }
    let datasource = named(registry, settings, request, deadline).await?;
    let called = call(&datasource, request, caller, limits, deadline).await;
    called.map_err(|error| error.redacted(&datasource.client))
}

/// The datasource that is asked.
async fn named(
    registry: &Registry,
    settings: Option<RawSettings>,
    request: &ResourceRequest,
    deadline: Instant,
) -> Result<Arc<Datasource>, Error> {
    let settings = settings.ok_or_else(|| {
        let path: String = request.path.chars().take(100).flat_map(char::escape_debug).collect();
        Error::Invalid(format!("'{path}' is a question to a data source, and none is named"))
    })?;
    Ok(registry.get(settings, deadline).await?)
}

/// Build requests, send, respond, and again as long as the guest asks for another round.
async fn call(
    datasource: &Datasource,
    request: &ResourceRequest,
    caller: &Caller,
    limits: &Limits,
    deadline: Instant,
) -> Result<ResourceResponse, Error> {
    let Datasource { guest, view, client, .. } = datasource;
    check(&request.path)?;
    for (name, value) in &request.parameters {
        check(name).and_then(|()| check(value))?;
    }
    check_json(&String::from_utf8_lossy(&request.body))?;
    let mut rounds = Rounds::new(guest.id(), limits);
    let (allowance, journal) = (&datasource.allow(deadline), Journal::default());
    let asker = Asker { caller, allowance, journal: &journal, demand: Demand::Any };
    let mut fetch = guest.resource_requests(request, view, allowance).await?;
    loop {
        let (responses, _held) = rounds.send(client, fetch.requests, asker).await?;
        match guest.respond(request, view, responses, fetch.state, allowance).await? {
            Reply::Done(response) => return Ok(response),
            Reply::Next(next) => fetch = next,
        }
    }
}
