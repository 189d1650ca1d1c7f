//! What a guest may export besides what it must: found by looking at the component, called by its types.
//!
//! These exports are not in the world that `bindings` is generated from, because a component without them is as good.

use std::time::Duration;

use wasmtime::component::{Component, ComponentExportIndex, ComponentType, Instance, Lift};
use wasmtime::{AsContextMut as _, Store};

use super::Returned;
use super::bindings::exports::graft::datasource::query::Query;
use super::bindings::graft::datasource::context::{Datasource, Refusal};
use super::bindings::graft::datasource::http::Fetch;
use super::error::Failure;
use super::inspect::{PACKAGE, VERSION};
use super::state::State;
use crate::model::{Description, Pace};

/// Where a component's optional exports are.
#[derive(Clone, Debug)]
pub(super) struct Extension {
    /// `live.build-requests`.
    live: Option<ComponentExportIndex>,
    /// `migration.migrate`.
    migrate: Option<ComponentExportIndex>,
    /// `pace.describe-pace`.
    pace: Option<ComponentExportIndex>,
}

/// `pace.pace`, as the contract has it.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct DescribedPace {
    #[component(name = "requests-per-second")]
    requests_per_second: Option<f64>,
    burst: Option<u32>,
    #[component(name = "in-flight")]
    in_flight: Option<u32>,
    /// Nanoseconds.
    #[component(name = "cache-for")]
    cache_for: Option<u64>,
}

impl DescribedPace {
    /// Adds it to what else the guest says about itself.
    pub(super) fn describe(self, description: &mut Description) {
        let Self { requests_per_second, burst, in_flight, cache_for } = self;
        description.pace = Pace { requests_per_second, burst, in_flight };
        description.cache_for = cache_for.map(Duration::from_nanos);
    }
}

impl Extension {
    /// Looks for them.
    pub(super) fn of(component: &Component) -> Self {
        let find = |interface: &str, function: &str| {
            let name = format!("{PACKAGE}/{interface}@{VERSION}");
            let interface = component.get_export_index(None, name.as_str())?;
            component.get_export_index(Some(&interface), function)
        };
        Self {
            live: find("live", "build-requests"),
            migrate: find("migration", "migrate"),
            pace: find("pace", "describe-pace"),
        }
    }

    /// Whether the guest knows streams of its API.
    pub(super) fn has_live(&self) -> bool {
        self.live.is_some()
    }

    /// Whether the guest knows older queries.
    pub(super) fn has_migrate(&self) -> bool {
        self.migrate.is_some()
    }

    /// Whether the guest knows how fast its API may be asked.
    pub(super) fn has_pace(&self) -> bool {
        self.pace.is_some()
    }

    /// Calls `pace.describe-pace`; none if the guest has no such thing.
    pub(super) async fn pace(
        &self,
        instance: &Instance,
        store: &mut Store<State>,
    ) -> wasmtime::Result<Option<DescribedPace>> {
        let Some(index) = &self.pace else { return Ok(None) };
        let function =
            instance.get_typed_func::<(), (DescribedPace,)>(store.as_context_mut(), index);
        let (pace,) = function.map_err(|error| misfit(&error))?.call_async(store, ()).await?;
        Ok(Some(pace))
    }

    /// Calls `live.build-requests`; none if the guest has no such thing.
    pub(super) async fn live(
        &self,
        instance: &Instance,
        store: &mut Store<State>,
        query: &Query,
        datasource: &Datasource,
    ) -> Returned<Option<Fetch>> {
        type Live = Result<Option<Fetch>, Refusal>;
        let Some(index) = &self.live else { return Ok(Ok(None)) };
        let function = instance
            .get_typed_func::<(&Query, &Datasource), (Live,)>(store.as_context_mut(), index);
        let (returned,) = function
            .map_err(|error| misfit(&error))?
            .call_async(store, (query, datasource))
            .await?;
        Ok(returned)
    }

    /// Calls `migration.migrate`; a guest that has no such thing leaves the query as it is.
    pub(super) async fn migrate(
        &self,
        instance: &Instance,
        store: &mut Store<State>,
        model: String,
    ) -> Returned<String> {
        let Some(index) = &self.migrate else { return Ok(Ok(model)) };
        let function = instance
            .get_typed_func::<(&str,), (Result<String, Refusal>,)>(store.as_context_mut(), index);
        let (returned,) =
            function.map_err(|error| misfit(&error))?.call_async(store, (&model,)).await?;
        Ok(returned)
    }
}

/// The export has the contract's name but not its type.
fn misfit(error: &wasmtime::Error) -> wasmtime::Error {
    Failure::Contract(format!("{error:#}")).into()
}
