//! Guests: strangers' components, found, loaded and called. The only user of wasmtime.
//!
//! In the order a guest passes through: [`Guests`] finds its file by name (`shelf`, or `listing` if it is only listed) and has it loaded
//! (`loader`, `load`): `trust` and `inspect` judge it, `scan` counts what it would cost, `compile` makes native code of it in another
//! process, `cache` keeps that, `quarantine` remembers if it ever took the process down, `description` checks what it says about itself.
//! Then each `call` waits at a gate for its turn, has a fresh store with its `state`, and runs in `slices`, first on the thread that
//! asks and then on the guests' own `threads`; `lower` and `lift` turn `model`'s nouns into the contract's and back.

mod shelf;
mod listing;
mod loader;
mod load;
mod trust;
mod inspect;
mod scan;
mod compile;
mod compilers;
mod cache;
mod quarantine;
mod description;
mod engine;
mod call;
mod exports;
mod extension;
mod slices;
mod threads;
mod state;
mod bindings;
mod lower;
mod lift;
mod returned;
mod error;
#[doc(hidden)]
pub mod fuzzing;

use std::sync::Arc;

use tracing::{Instrument as _, field};
use wasmtime::Store;
use wasmtime::component::Instance;

pub use compile::{CompileError, CompileLimits, compile, compiler, is_compiler};
pub use description::is_guest_name;
pub use error::{Error, Failure, GuestId, LoadError, StartError};
pub use inspect::{InspectError, VERSION as CONTRACT_VERSION};
pub use loader::Loader;
pub use scan::ScanError;
pub use shelf::Guests;
pub use trust::{SignatureKey, Trust, TrustError};

use crate::budget::{Allowance, NoTurn};
use crate::metrics::GuestMetrics;
use crate::model::{
    DatasourceView, Description, Fetch, Outcome, Query, Refusal, Reply, ResourceRequest, Response,
    Verdict,
};
use bindings::exports::graft::datasource::{health, query, resources};
use bindings::graft::datasource::context;
use call::{Call, Callable, Find, Running};
use exports::Exports;
use extension::Extension;
use returned::{Returns, size_of_bodies};
use state::State;

/// A loaded guest. Each function is one call, in a store of its own, of a query that has this `allowance`.
pub struct Guest {
    id: GuestId,
    description: Description,
    callable: Callable,
    extension: Extension,
    metrics: Arc<GuestMetrics>,
}

/// What an export returned: a result of its own within that of the call.
type Returned<T> = wasmtime::Result<Result<T, context::Refusal>>;
/// What came of a call: no turn, a failure, a refusal or a value.
type Called<T> = Result<Result<Result<T, Refusal>, Failure>, NoTurn>;

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
        allowance: &Allowance,
    ) -> Result<Fetch, Error> {
        let input = query.model.len() + view.settings.len();
        let call = Call { export: "query.build-requests", allowance, input };
        let (query, view) = (lower::query(query), lower::datasource(view));
        let body = move |guest: query::Guest, mut store: Store<State>| async move {
            (guest.call_build_requests(&mut store, &query, &view).await, store)
        };
        self.call(call, Exports::query, body, lift::fetch).await
    }

    /// What the guest makes of a round's responses.
    pub async fn transform(
        &self,
        query: &Query,
        view: &DatasourceView,
        responses: Vec<Response>,
        state: String,
        allowance: &Allowance,
    ) -> Result<Outcome, Error> {
        let input = query.model.len() + view.settings.len() + state.len();
        let input = input + size_of_bodies(&responses);
        let call = Call { export: "query.transform", allowance, input };
        let (query, view) = (lower::query(query), lower::datasource(view));
        let body = move |guest: query::Guest, mut store: Store<State>| async move {
            let responses = lower::responses(responses);
            (guest.call_transform(&mut store, &query, &view, &responses, &state).await, store)
        };
        self.call(call, Exports::query, body, lift::outcome).await
    }

    /// What the guest asks in order to judge a datasource.
    pub async fn health_requests(
        &self,
        view: &DatasourceView,
        allowance: &Allowance,
    ) -> Result<Fetch, Error> {
        let input = view.settings.len();
        let call = Call { export: "health.build-requests", allowance, input };
        let view = lower::datasource(view);
        let body = move |guest: health::Guest, mut store: Store<State>| async move {
            (guest.call_build_requests(&mut store, &view).await, store)
        };
        self.call(call, Exports::health, body, lift::fetch).await
    }

    /// How the guest judges a health check's responses.
    pub async fn diagnose(
        &self,
        view: &DatasourceView,
        responses: Vec<Response>,
        state: String,
        allowance: &Allowance,
    ) -> Result<Verdict, Error> {
        let input = view.settings.len() + state.len() + size_of_bodies(&responses);
        let call = Call { export: "health.diagnose", allowance, input };
        let view = lower::datasource(view);
        let body = move |guest: health::Guest, mut store: Store<State>| async move {
            let responses = lower::responses(responses);
            (guest.call_diagnose(&mut store, &view, &responses, &state).await, store)
        };
        self.call(call, Exports::health, body, lift::verdict).await
    }

    /// What the guest asks in order to answer a resource call.
    pub async fn resource_requests(
        &self,
        request: &ResourceRequest,
        view: &DatasourceView,
        allowance: &Allowance,
    ) -> Result<Fetch, Error> {
        let input = request.body.len() + view.settings.len();
        let call = Call { export: "resources.build-requests", allowance, input };
        let (request, view) = (lower::resource_request(request.clone()), lower::datasource(view));
        let body = move |guest: resources::Guest, mut store: Store<State>| async move {
            (guest.call_build_requests(&mut store, &request, &view).await, store)
        };
        self.call(call, Exports::resources, body, lift::fetch).await
    }

    /// How the guest answers a resource call from a round's responses.
    pub async fn respond(
        &self,
        request: &ResourceRequest,
        view: &DatasourceView,
        responses: Vec<Response>,
        state: String,
        allowance: &Allowance,
    ) -> Result<Reply, Error> {
        let input = request.body.len() + view.settings.len() + state.len();
        let input = input + size_of_bodies(&responses);
        let call = Call { export: "resources.respond", allowance, input };
        let (request, view) = (lower::resource_request(request.clone()), lower::datasource(view));
        let body = move |guest: resources::Guest, mut store: Store<State>| async move {
            let responses = lower::responses(responses);
            (guest.call_respond(&mut store, &request, &view, &responses, &state).await, store)
        };
        self.call(call, Exports::resources, body, lift::reply).await
    }

    /// The request whose response is a stream of events, if the API has such a thing for this query.
    pub async fn live_request(
        &self,
        query: &Query,
        view: &DatasourceView,
        allowance: &Allowance,
    ) -> Result<Option<Fetch>, Error> {
        if !self.extension.has_live() {
            return Ok(None);
        }
        let input = query.model.len() + view.settings.len();
        let call = Call { export: "live.build-requests", allowance, input };
        let (query, view) = (lower::query(query), lower::datasource(view));
        let extension = self.extension.clone();
        let body = move |instance: Instance, mut store: Store<State>| async move {
            (extension.live(&instance, &mut store, &query, &view).await, store)
        };
        self.call_instance(call, body, lift::live).await
    }

    /// A query's JSON in the shape that this version of the guest saves.
    pub async fn migrate(&self, model: String, allowance: &Allowance) -> Result<String, Error> {
        if !self.extension.has_migrate() {
            return Ok(model);
        }
        let call = Call { export: "migration.migrate", allowance, input: model.len() };
        let extension = self.extension.clone();
        let body = move |instance: Instance, mut store: Store<State>| async move {
            (extension.migrate(&instance, &mut store, model).await, store)
        };
        self.call_instance(call, body, lift::model).await
    }

    /// Runs one of the exports that every guest has.
    async fn call<G, C, T, R>(
        &self,
        call: Call<'_>,
        find: Find<G>,
        body: impl FnOnce(G, Store<State>) -> R + Send + 'static,
        lift: impl FnOnce(C) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error>
    where
        G: Send + 'static,
        C: Send + 'static,
        T: Returns + Send + 'static,
        R: Running<Result<C, context::Refusal>>,
    {
        self.metrics.input(call.input);
        let (export, counted) = (call.export, self.counted(&call));
        let body = move |guest, store| async move {
            let (returned, store) = body(guest, store).await;
            (returned.and_then(|returned| counted.lifted(returned, lift)), store)
        };
        self.answered(export, self.callable.call(call, find, body)).await
    }

    /// Runs an export that not every guest has.
    async fn call_instance<C, T, R>(
        &self,
        call: Call<'_>,
        body: impl FnOnce(Instance, Store<State>) -> R + Send + 'static,
        lift: impl FnOnce(C) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error>
    where
        C: Send + 'static,
        T: Returns + Send + 'static,
        R: Running<Result<C, context::Refusal>>,
    {
        self.metrics.input(call.input);
        let (export, counted) = (call.export, self.counted(&call));
        let body = move |instance, store| async move {
            let (returned, store) = body(instance, store).await;
            (returned.and_then(|returned| counted.lifted(returned, lift)), store)
        };
        self.answered(export, self.callable.call_instance(call, body)).await
    }

    fn counted(&self, call: &Call<'_>) -> Counted {
        Counted { metrics: Arc::clone(&self.metrics), allowance: call.allowance.clone() }
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
            Err(NoTurn::Late) => "late",
            Err(NoTurn::Queue(_)) => "busy",
        };
        counted.end(outcome);
        span.record("outcome", outcome);
        if !matches!(outcome, "ok" | "refused") {
            span.record("otel.status_code", "ERROR");
        }
        let answered = match called {
            Ok(result) => result.map_err(|failure| {
                let guest = self.id.clone();
                Error::Failed { guest, export, failure }
            })?,
            Err(NoTurn::Late) => {
                let name = self.id.name.to_string();
                let waiting = "still at work, or waiting for its turn,";
                return Err(Error::TimedOut { name, waiting });
            }
            Err(NoTurn::Queue(limit)) => {
                return Err(Error::Busy { name: self.id.name.to_string(), limit });
            }
        };
        answered.map_err(|refusal| Error::Refused { guest: self.id.clone(), refusal })
    }
}

/// What counts that which an export returned.
struct Counted {
    metrics: Arc<GuestMetrics>,
    allowance: Allowance,
}

impl Counted {
    /// A returned value or refusal in the host's own nouns.
    fn lifted<C, T: Returns>(
        &self,
        returned: Result<C, context::Refusal>,
        lift: impl FnOnce(C) -> Result<T, Failure>,
    ) -> wasmtime::Result<Result<T, Refusal>> {
        Ok(match returned {
            Ok(value) => {
                let value = lift(value)?;
                let size = value.size();
                self.metrics.output(size);
                self.allowance.keep(size);
                Ok(value)
            }
            Err(refusal) => Err(lift::refusal(refusal)),
        })
    }
}
