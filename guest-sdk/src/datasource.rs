//! The trait a vendor implements, and the way from the component's exports to it.

#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bindings::exports::graft::datasource::{
    describe, health, live, migration, pace, query, resources,
};
use crate::bindings::graft::datasource::context;
use crate::log::log_panics;
use crate::{
    Configured, Description, Diagnosis, Fetch, Outcome, Pace, Query, Refusal, Reply, Request,
    ResourceRequest, Response, Responses, Verdict,
};

/// One API: what to ask it, and what its answers mean.
///
/// All functions are pure: the same arguments must give the same result, and nothing is remembered
/// between calls. What `build_requests` must tell `transform` travels in [`Fetch::state`].
pub trait Datasource {
    /// The shape of the data source's `jsonData`. What does not fit is refused with the name of the
    /// member before any function is called. [`NoSettings`](crate::NoSettings) if there is nothing
    /// to read.
    type Settings: DeserializeOwned;

    /// The shape of a query as the editor saves it; Grafana's own members (`refId`, `datasource`,
    /// ...) are beside it. What does not fit is refused with the name of the member.
    type Query: DeserializeOwned;

    /// Who this guest is. Must always be the same.
    fn describe() -> Description;

    /// The first round of a query.
    ///
    /// # Errors
    /// A [`Refusal`], shown to the user, if the query cannot be run.
    fn build_requests(
        query: &Query<Self::Query>,
        datasource: &Configured<Self::Settings>,
    ) -> Result<Fetch, Refusal>;

    /// Turns the responses of a round into frames. `state` is what the round's [`Fetch`] carried;
    /// [`Outcome::then`] asks for another round.
    ///
    /// # Errors
    /// A [`Refusal`], shown to the user. [`Responses::single`], [`Response::json`] and
    /// [`Response::success`] make the usual ones.
    fn transform(
        query: &Query<Self::Query>,
        datasource: &Configured<Self::Settings>,
        responses: Responses,
        state: &str,
    ) -> Result<Outcome, Refusal>;

    /// What to ask for "Save & test". By default the root of the data source's URL.
    ///
    /// # Errors
    /// A [`Refusal`] if the settings are not enough to ask anything.
    fn health_requests(_datasource: &Configured<Self::Settings>) -> Result<Fetch, Refusal> {
        Ok(Request::get("/").into())
    }

    /// Judges what the API answered. By default the data source works unless the API refuses the
    /// credentials (401, 403) or fails (500 and above): the root of many an API is not found, and
    /// yet it works. Better ask what only your API answers, such as its version.
    ///
    /// # Errors
    /// A [`Refusal`] is shown as an unhealthy data source with the refusal's text.
    fn diagnose(
        _datasource: &Configured<Self::Settings>,
        responses: Responses,
        _state: &str,
    ) -> Result<Verdict, Refusal> {
        let mut message = "The API answers.".to_owned();
        for response in responses {
            match response.status {
                0 | 401 | 403 | 500.. => return Err(response.refusal()),
                status if !response.is_success() => {
                    message = format!(
                        "The API can be reached. Its root has status {status}, so only a query \
                         can show whether all settings fit."
                    );
                }
                _ => {}
            }
        }
        Ok(Diagnosis::healthy(message).into())
    }

    /// What to ask in order to answer a resource call. By default there are no resources.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a path that this guest does not know.
    fn resource_requests(
        request: &ResourceRequest,
        _datasource: &Configured<Self::Settings>,
    ) -> Result<Fetch, Refusal> {
        Err(Refusal::NotFound(format!("There is no resource '{}'.", request.path)))
    }

    /// Answers a resource call from the responses.
    ///
    /// # Errors
    /// A [`Refusal`], shown to whoever called.
    fn respond(
        request: &ResourceRequest,
        _datasource: &Configured<Self::Settings>,
        _responses: Responses,
        _state: &str,
    ) -> Result<Reply, Refusal> {
        Err(Refusal::NotFound(format!("There is no resource '{}'.", request.path)))
    }

    /// The one request whose response is a stream of events without end, if the API has such a thing for this
    /// query: server-sent events, or a JSON document on each line. Each event is handed to
    /// [`Datasource::transform`] as a response by itself. By default there is none, and the host asks
    /// the query again at an interval.
    ///
    /// # Errors
    /// A [`Refusal`], shown to the user, if the query cannot be run.
    fn live_request(
        _query: &Query<Self::Query>,
        _datasource: &Configured<Self::Settings>,
    ) -> Result<Option<Fetch>, Refusal> {
        Ok(None)
    }

    /// How fast the API may be asked, and how long its responses may be served again. By default
    /// that is for the host, and the admin, to decide. Must always be the same.
    fn pace() -> Pace {
        Pace::default()
    }

    /// Turns a query that an earlier version of this guest's editor saved into the shape of today.
    /// By default all queries stay as they are.
    ///
    /// # Errors
    /// A [`Refusal`], shown to the user, if nothing can be made of it.
    fn migrate(model: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
        Ok(model)
    }
}

/// The component that [`export!`](crate::export) makes of a [`Datasource`].
#[doc(hidden)]
pub struct Component<D>(PhantomData<D>);

impl<D: Datasource> describe::Guest for Component<D> {
    fn describe() -> Description {
        log_panics();
        D::describe()
    }
}

impl<D: Datasource> query::Guest for Component<D> {
    fn build_requests(
        query: query::Query,
        datasource: context::Datasource,
    ) -> Result<Fetch, Refusal> {
        log_panics();
        D::build_requests(&Query::read(query)?, &Configured::read(datasource)?)
    }

    fn transform(
        query: query::Query,
        datasource: context::Datasource,
        responses: Vec<Response>,
        state: String,
    ) -> Result<Outcome, Refusal> {
        log_panics();
        let responses = Responses::new(responses);
        D::transform(&Query::read(query)?, &Configured::read(datasource)?, responses, &state)
    }
}

impl<D: Datasource> health::Guest for Component<D> {
    fn build_requests(datasource: context::Datasource) -> Result<Fetch, Refusal> {
        log_panics();
        D::health_requests(&Configured::read(datasource)?)
    }

    fn diagnose(
        datasource: context::Datasource,
        responses: Vec<Response>,
        state: String,
    ) -> Result<Verdict, Refusal> {
        log_panics();
        D::diagnose(&Configured::read(datasource)?, Responses::new(responses), &state)
    }
}

impl<D: Datasource> resources::Guest for Component<D> {
    fn build_requests(
        request: ResourceRequest,
        datasource: context::Datasource,
    ) -> Result<Fetch, Refusal> {
        log_panics();
        D::resource_requests(&request, &Configured::read(datasource)?)
    }

    fn respond(
        request: ResourceRequest,
        datasource: context::Datasource,
        responses: Vec<Response>,
        state: String,
    ) -> Result<Reply, Refusal> {
        log_panics();
        D::respond(&request, &Configured::read(datasource)?, Responses::new(responses), &state)
    }
}

impl<D: Datasource> live::Guest for Component<D> {
    fn build_requests(
        query: query::Query,
        datasource: context::Datasource,
    ) -> Result<Option<Fetch>, Refusal> {
        log_panics();
        D::live_request(&Query::read(query)?, &Configured::read(datasource)?)
    }
}

impl<D: Datasource> pace::Guest for Component<D> {
    fn describe_pace() -> Pace {
        log_panics();
        D::pace()
    }
}

impl<D: Datasource> migration::Guest for Component<D> {
    fn migrate(model: String) -> Result<String, Refusal> {
        log_panics();
        let model = serde_json::from_str(&model).map_err(|error| {
            Refusal::BadQuery(format!("The query is not a JSON object: {error}."))
        })?;
        Ok(Value::Object(D::migrate(model)?).to_string())
    }
}

/// Makes a [`Datasource`] the exports of this crate's component.
///
/// Use it once, in a crate of type `cdylib`. It does something only where the target is
/// WebAssembly: natively the crate is an ordinary library, to be tested.
#[macro_export]
macro_rules! export {
    ($datasource:ty) => {
        // Natively nothing is exported, but whatever the data source needs is still in use.
        #[cfg(not(target_family = "wasm"))]
        const _: fn() -> $crate::Description = <$datasource as $crate::Datasource>::describe;

        #[cfg(target_family = "wasm")]
        mod graft_component {
            use super::*;
            type Component = $crate::internal::Component<$datasource>;
            $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        }
    };
}
