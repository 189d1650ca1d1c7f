//! Where the exports of a component are that every guest has.
//!
//! What an export's function looks like is compared with the contract whenever it is looked up. So a call looks up no more than the
//! one interface that it needs, and all are looked up once, when the guest describes itself.

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::bindings::exports::graft::datasource::{describe, health, query, resources};
use super::state::State;

/// The places of the four interfaces.
pub(super) struct Exports {
    describe: describe::GuestIndices,
    query: query::GuestIndices,
    health: health::GuestIndices,
    resources: resources::GuestIndices,
}

impl Exports {
    /// Finds them; an error names one that is not there.
    pub(super) fn of(component: &InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(Self {
            describe: describe::GuestIndices::new(component)?,
            query: query::GuestIndices::new(component)?,
            health: health::GuestIndices::new(component)?,
            resources: resources::GuestIndices::new(component)?,
        })
    }

    /// `describe`, once all have the contract's types.
    pub(super) fn describe(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> wasmtime::Result<describe::Guest> {
        self.query(store, instance)?;
        self.health(store, instance)?;
        self.resources(store, instance)?;
        self.describe.load(store, instance)
    }

    pub(super) fn query(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> wasmtime::Result<query::Guest> {
        self.query.load(store, instance)
    }

    pub(super) fn health(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> wasmtime::Result<health::Guest> {
        self.health.load(store, instance)
    }

    pub(super) fn resources(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> wasmtime::Result<resources::Guest> {
        self.resources.load(store, instance)
    }
}
