//! Guests: strangers' components, found, loaded and called. The only user of wasmtime.
//!
//! In the order a guest passes through: [`Guests`] finds its file by name (`shelf`) and has it loaded (`load`): `inspect` judges it,
//! `compile` makes native code of it in another process, `cache` keeps that, `description` checks what it says about itself. Then
//! each `call` has a fresh store on one of the guests' `threads`; `lower` and `lift` turn `model`'s nouns into the contract's and back.

mod shelf;
mod load;
mod inspect;
mod compile;
mod cache;
mod description;
mod engine;
mod call;
mod extension;
mod threads;
mod state;
mod bindings;
mod lower;
mod lift;
mod returned;
mod error;

use std::sync::Arc;

use tokio::time::Instant;
use tracing::{Instrument as _, field};
use wasmtime::Store;
use wasmtime::component::Instance;

pub use compile::{CompileError, compiler, is_compiler};
pub use description::is_guest_name;
pub use error::{Error, Failure, GuestId, LoadError, StartError};
pub use inspect::{InspectError, VERSION as CONTRACT_VERSION};
pub use shelf::{Guests, Loader};

use crate::metrics::GuestMetrics;
use crate::model::{
    DatasourceView, Description, Fetch, Outcome, Query, Refusal, Reply, ResourceRequest, Response,
    Verdict,
};
use bindings::Datasource;
use bindings::graft::datasource::context;
use call::{Callable, Late};
use extension::Extension;
use returned::{Returns, size_of_bodies};
use state::State;

/// A loaded guest. Each function is one call, in a store of its own; `deadline` ends the wait for it.
pub struct Guest {
    id: GuestId,
    description: Description,
    callable: Callable,
    extension: Extension,
    metrics: Arc<GuestMetrics>,
}

/// What an export returned: a result of its own within that of the call.
type Returned<T> = wasmtime::Result<Result<T, context::Refusal>>;
/// What came of a call: too late, a failure, a refusal or a value.
type Called<T> = Result<Result<Result<T, Refusal>, Failure>, Late>;

impl Guest {
    /// The guest's name and version.
    pub fn id(&self) -> &GuestId {
        &self.id
    }

    /// What the guest says about itself; checked.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The first round of a query.
    pub async fn build_requests(
        &self,
        query: &Query,
        view: &DatasourceView,
        deadline: Instant,
    ) -> Result<Fetch, Error> {
        self.metrics.input(query.model.len() + view.settings.len());
        let (query, view) = (lower::query(query), lower::datasource(view));
        let call = move |guest: &Datasource, store: &mut Store<State>| {
            guest.graft_datasource_query().call_build_requests(store, &query, &view)
        };
        self.call("query.build-requests", deadline, call, lift::fetch).await
    }

    /// What the guest makes of a round's responses.
    pub async fn transform(
        &self,
        query: &Query,
        view: &DatasourceView,
        responses: Vec<Response>,
        state: String,
        deadline: Instant,
    ) -> Result<Outcome, Error> {
        let given = query.model.len() + view.settings.len() + state.len();
        self.metrics.input(given + size_of_bodies(&responses));
        let (query, view) = (lower::query(query), lower::datasource(view));
        let call = move |guest: &Datasource, store: &mut Store<State>| {
            let responses = lower::responses(responses);
            let query_export = guest.graft_datasource_query();
            query_export.call_transform(store, &query, &view, &responses, &state)
        };
        self.call("query.transform", deadline, call, lift::outcome).await
    }

    /// What the guest asks in order to judge a datasource.
    pub async fn health_requests(
        &self,
        view: &DatasourceView,
        deadline: Instant,
    ) -> Result<Fetch, Error> {
        self.metrics.input(view.settings.len());
        let view = lower::datasource(view);
        let call = move |guest: &Datasource, store: &mut Store<State>| {
            guest.graft_datasource_health().call_build_requests(store, &view)
        };
        self.call("health.build-requests", deadline, call, lift::fetch).await
    }

    /// How the guest judges a health check's responses.
    pub async fn diagnose(
        &self,
        view: &DatasourceView,
        responses: Vec<Response>,
        state: String,
        deadline: Instant,
    ) -> Result<Verdict, Error> {
        self.metrics.input(view.settings.len() + state.len() + size_of_bodies(&responses));
        let view = lower::datasource(view);
        let call = move |guest: &Datasource, store: &mut Store<State>| {
            let responses = lower::responses(responses);
            guest.graft_datasource_health().call_diagnose(store, &view, &responses, &state)
        };
        self.call("health.diagnose", deadline, call, lift::verdict).await
    }

    /// What the guest asks in order to answer a resource call.
    pub async fn resource_requests(
        &self,
        request: &ResourceRequest,
        view: &DatasourceView,
        deadline: Instant,
    ) -> Result<Fetch, Error> {
        self.metrics.input(request.body.len() + view.settings.len());
        let (request, view) = (lower::resource_request(request.clone()), lower::datasource(view));
        let call = move |guest: &Datasource, store: &mut Store<State>| {
            guest.graft_datasource_resources().call_build_requests(store, &request, &view)
        };
        self.call("resources.build-requests", deadline, call, lift::fetch).await
    }

    /// How the guest answers a resource call from a round's responses.
    pub async fn respond(
        &self,
        request: &ResourceRequest,
        view: &DatasourceView,
        responses: Vec<Response>,
        state: String,
        deadline: Instant,
    ) -> Result<Reply, Error> {
        self.metrics.input(request.body.len() + view.settings.len() + state.len());
        self.metrics.input(size_of_bodies(&responses));
        let (request, view) = (lower::resource_request(request.clone()), lower::datasource(view));
        let call = move |guest: &Datasource, store: &mut Store<State>| {
            let responses = lower::responses(responses);
            let resources = guest.graft_datasource_resources();
            resources.call_respond(store, &request, &view, &responses, &state)
        };
        self.call("resources.respond", deadline, call, lift::reply).await
    }

    /// The request whose response is a stream of events, if the API has such a thing for this query.
    pub async fn live_request(
        &self,
        query: &Query,
        view: &DatasourceView,
        deadline: Instant,
    ) -> Result<Option<Fetch>, Error> {
        if !self.extension.has_live() {
            return Ok(None);
        }
        self.metrics.input(query.model.len() + view.settings.len());
        let (query, view) = (lower::query(query), lower::datasource(view));
        let extension = self.extension.clone();
        let call = move |instance: &Instance, store: &mut Store<State>| {
            extension.live(instance, store, &query, &view)
        };
        self.call_instance("live.build-requests", deadline, call, lift::live).await
    }

    /// A query's JSON in the shape that this version of the guest saves.
    pub async fn migrate(&self, model: String, deadline: Instant) -> Result<String, Error> {
        if !self.extension.has_migrate() {
            return Ok(model);
        }
        self.metrics.input(model.len());
        let extension = self.extension.clone();
        let call = move |instance: &Instance, store: &mut Store<State>| {
            extension.migrate(instance, store, model)
        };
        self.call_instance("migration.migrate", deadline, call, lift::model).await
    }

    /// Runs one of the exports that every guest has.
    async fn call<C: Send + 'static, T: Returns + Send + 'static>(
        &self,
        export: &'static str,
        deadline: Instant,
        call: impl FnOnce(&Datasource, &mut Store<State>) -> Returned<C> + Send + 'static,
        lift: impl FnOnce(C) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let metrics = Arc::clone(&self.metrics);
        let call = self.callable.call(export, deadline, move |guest, store| {
            lifted(call(guest, store)?, lift, &metrics)
        });
        self.answered(export, call).await
    }

    /// Runs an export that not every guest has.
    async fn call_instance<C: Send + 'static, T: Returns + Send + 'static>(
        &self,
        export: &'static str,
        deadline: Instant,
        call: impl FnOnce(&Instance, &mut Store<State>) -> Returned<C> + Send + 'static,
        lift: impl FnOnce(C) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let metrics = Arc::clone(&self.metrics);
        let call = self.callable.call_instance(export, deadline, move |instance, store| {
            lifted(call(instance, store)?, lift, &metrics)
        });
        self.answered(export, call).await
    }

    /// Tells an answer, a refusal and a failure apart, counts which it is, and has the call traced.
    async fn answered<T>(
        &self,
        export: &'static str,
        call: impl Future<Output = Called<T>>,
    ) -> Result<T, Error> {
        let counted = self.metrics.call(export);
        let span = tracing::info_span!(
            target: "trace",
            "call",
            otel.name = export,
            guest = %self.id.name,
            version = %self.id.version,
            export,
            outcome = field::Empty,
            otel.status_code = field::Empty,
        );
        let called = call.instrument(span.clone()).await;
        let outcome = match &called {
            Ok(Ok(Ok(_value))) => "ok",
            Ok(Ok(Err(_refusal))) => "refused",
            Ok(Err(failure)) => failure.kind(),
            Err(_late) => "late",
        };
        counted.end(outcome);
        span.record("outcome", outcome);
        if !matches!(outcome, "ok" | "refused" | "cancelled") {
            span.record("otel.status_code", "ERROR");
        }
        let answered = match called {
            Ok(result) => result.map_err(|failure| Error::Failed {
                guest: self.id.clone(),
                export,
                failure,
            })?,
            Err(_late) => {
                let name = self.id.name.to_string();
                let waiting = "still at work, or waiting for a free thread,";
                return Err(Error::TimedOut { name, waiting });
            }
        };
        answered.map_err(|refusal| Error::Refused { guest: self.id.clone(), refusal })
    }
}

/// A returned value or refusal in the host's own nouns.
fn lifted<C, T: Returns>(
    returned: Result<C, context::Refusal>,
    lift: impl FnOnce(C) -> Result<T, Failure>,
    metrics: &GuestMetrics,
) -> wasmtime::Result<Result<T, Refusal>> {
    Ok(match returned {
        Ok(value) => {
            let value = lift(value)?;
            metrics.output(value.size());
            Ok(value)
        }
        Err(refusal) => Err(lift::refusal(refusal)),
    })
}
