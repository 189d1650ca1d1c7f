//! What a guest's own tests need, natively and without a host.
//!
//! [`Guest`] runs a [`Datasource`] exactly as the component would: from the JSON that Grafana
//! stores, through the same reading and refusing.
//!
//! ```no_run
//! # use graft_guest::testing::Guest;
//! # use graft_guest::*;
//! # fn check<Weather: Datasource>() -> Result<(), Refusal> {
//! let guest = Guest::<Weather>::new(r#"{"station": 7}"#);
//! let query = guest.query(r#"{"city": "Bonn"}"#);
//! assert_eq!(guest.build_requests(&query)?.requests[0].target, "/v1/Bonn");
//! let outcome = guest.transform(&query, [Response::sample(200, r#"[{"unix": 1, "celsius": 20}]"#)])?;
//! assert_eq!(outcome.frames.len(), 1);
//! # Ok(())
//! # }
//! ```

use std::marker::PhantomData;

use crate::bindings::exports::graft::datasource::{
    describe, health, live, migration, pace, query, resources,
};
use crate::bindings::graft::datasource::context;
use crate::datasource::Component;
use crate::{
    Datasource, Description, Fetch, Header, Outcome, Pace, Refusal, Reply, ResourceRequest,
    Response, TimeRange, Verdict,
};

/// A query as it crosses the contract, with its JSON not yet read. Its fields may be changed to
/// make another query.
pub use crate::bindings::exports::graft::datasource::query::Query as RawQuery;

/// A guest under test, with one data source.
#[derive(Clone, Debug)]
pub struct Guest<D> {
    /// The data source as it crosses the contract. Its fields may be changed to make another one.
    pub datasource: context::Datasource,
    guest: PhantomData<D>,
}

impl<D: Datasource> Guest<D> {
    /// A guest with a data source at `http://api.example` that has these settings, a JSON object,
    /// and no secrets.
    pub fn new(settings: impl ToString) -> Self {
        let datasource = context::Datasource {
            uid: "sample".to_owned(),
            name: "Sample".to_owned(),
            url: "http://api.example".to_owned(),
            settings: settings.to_string(),
            secrets: Vec::new(),
        };
        Self { datasource, guest: PhantomData }
    }

    /// A panel's query `A` of this JSON object over one hour from 2023-11-14T22:13:20Z
    /// (1,700,000,000 s), of 1,000 points, with a suggested interval of 15 s.
    pub fn query(&self, model: impl ToString) -> RawQuery {
        const START: i64 = 1_700_000_000_000_000_000;
        RawQuery {
            ref_id: "A".to_owned(),
            query_type: String::new(),
            model: model.to_string(),
            time_range: TimeRange { from: START, to: START + 3_600_000_000_000 },
            interval: 15_000_000_000,
            max_data_points: 1_000,
            from_alert: false,
        }
    }

    /// The guest's description.
    pub fn describe(&self) -> Description {
        <Component<D> as describe::Guest>::describe()
    }

    /// How fast the guest's API may be asked.
    pub fn pace(&self) -> Pace {
        <Component<D> as pace::Guest>::describe_pace()
    }

    /// The first round of a query.
    ///
    /// # Errors
    /// The guest's refusal, or the SDK's if the query's or the data source's JSON does not fit.
    pub fn build_requests(&self, query: &RawQuery) -> Result<Fetch, Refusal> {
        <Component<D> as query::Guest>::build_requests(query.clone(), self.datasource.clone())
    }

    /// What the guest makes of these responses to a round without state.
    ///
    /// # Errors
    /// As [`Guest::build_requests`].
    pub fn transform(
        &self,
        query: &RawQuery,
        responses: impl Into<Vec<Response>>,
    ) -> Result<Outcome, Refusal> {
        self.transform_with(query, responses, "")
    }

    /// What the guest makes of these responses to a round with a state.
    ///
    /// # Errors
    /// As [`Guest::build_requests`].
    pub fn transform_with(
        &self,
        query: &RawQuery,
        responses: impl Into<Vec<Response>>,
        state: &str,
    ) -> Result<Outcome, Refusal> {
        let (query, datasource) = (query.clone(), self.datasource.clone());
        let (responses, state) = (responses.into(), state.to_owned());
        <Component<D> as query::Guest>::transform(query, datasource, responses, state)
    }

    /// What the guest asks for "Save & test".
    ///
    /// # Errors
    /// As [`Guest::build_requests`].
    pub fn health_requests(&self) -> Result<Fetch, Refusal> {
        <Component<D> as health::Guest>::build_requests(self.datasource.clone())
    }

    /// How the guest judges these responses.
    ///
    /// # Errors
    /// As [`Guest::build_requests`].
    pub fn diagnose(
        &self,
        responses: impl Into<Vec<Response>>,
        state: &str,
    ) -> Result<Verdict, Refusal> {
        let (responses, state) = (responses.into(), state.to_owned());
        <Component<D> as health::Guest>::diagnose(self.datasource.clone(), responses, state)
    }

    /// What the guest asks in order to answer a resource call.
    ///
    /// # Errors
    /// As [`Guest::build_requests`].
    pub fn resource_requests(&self, request: &ResourceRequest) -> Result<Fetch, Refusal> {
        let (request, datasource) = (request.clone(), self.datasource.clone());
        <Component<D> as resources::Guest>::build_requests(request, datasource)
    }

    /// The guest's answer to a resource call.
    ///
    /// # Errors
    /// As [`Guest::build_requests`].
    pub fn respond(
        &self,
        request: &ResourceRequest,
        responses: impl Into<Vec<Response>>,
        state: &str,
    ) -> Result<Reply, Refusal> {
        let (request, datasource) = (request.clone(), self.datasource.clone());
        let (responses, state) = (responses.into(), state.to_owned());
        <Component<D> as resources::Guest>::respond(request, datasource, responses, state)
    }

    /// The request whose response is a stream of events, if there is one for this query.
    ///
    /// # Errors
    /// As [`Guest::build_requests`].
    pub fn live_request(&self, query: &RawQuery) -> Result<Option<Fetch>, Refusal> {
        <Component<D> as live::Guest>::build_requests(query.clone(), self.datasource.clone())
    }

    /// What the guest makes of a query that an earlier version saved, a JSON object.
    ///
    /// # Errors
    /// The guest's refusal, or the SDK's if the query is not a JSON object.
    pub fn migrate(&self, model: impl ToString) -> Result<String, Refusal> {
        <Component<D> as migration::Guest>::migrate(model.to_string())
    }
}

impl Response {
    /// A response with a JSON body, for tests.
    pub fn sample(status: u16, json: impl ToString) -> Self {
        Self::sample_of("application/json", status, json)
    }

    /// A response with a body of any type, for tests.
    pub fn sample_of(content_type: &str, status: u16, body: impl ToString) -> Self {
        let content_type =
            Header { name: "content-type".to_owned(), value: content_type.to_owned() };
        let (headers, body) = (vec![content_type], body.to_string().into_bytes());
        Self { status, headers, body, failure: None }
    }
}
