//! Write a guest for Graft: what is particular to one API, as a sandboxed component.
//!
//! Implement [`Datasource`] and [`export!`] it. A guest is a set of pure functions:
//! `build_requests` says which HTTP requests a query needs, the host sends them, `transform` turns
//! the responses into frames. A guest does no I/O and sees no secret, so its tests are values in,
//! values out, with plain `cargo test`; [`testing`] has what they need.
//!
//! ```
//! use graft_guest::*;
//! use serde::Deserialize;
//!
//! struct Weather;
//!
//! #[derive(Deserialize)]
//! struct City {
//!     city: String,
//! }
//!
//! #[derive(Deserialize)]
//! struct Reading {
//!     unix: f64,
//!     celsius: Option<f64>,
//! }
//!
//! impl Datasource for Weather {
//!     type Settings = NoSettings;
//!     type Query = City;
//!
//!     fn describe() -> Description {
//!         Description::new("weather", "Weather", "1.0.0").vendor("Example")
//!     }
//!
//!     fn build_requests(
//!         query: &Query<City>,
//!         _: &Configured<NoSettings>,
//!     ) -> Result<Fetch, Refusal> {
//!         let from = time::to_seconds(query.time_range.from);
//!         Ok(Request::get(path!["v1", &query.model.city]).parameter("from", from).into())
//!     }
//!
//!     fn transform(
//!         _: &Query<City>,
//!         _: &Configured<NoSettings>,
//!         responses: Responses,
//!         _state: &str,
//!     ) -> Result<Outcome, Refusal> {
//!         let readings: Vec<Reading> = responses.single()?.json()?;
//!         let times = readings.iter().map(|reading| time::from_seconds(reading.unix));
//!         let degrees: Vec<_> = readings.iter().map(|reading| reading.celsius).collect();
//!         let frame = Frame::new(Kind::TimeseriesWide)
//!             .field(Field::time("time", times.collect()))
//!             .field(Field::new("temperature", degrees).unit("celsius"));
//!         Ok(frame.into())
//!     }
//! }
//!
//! graft_guest::export!(Weather);
//! # fn main() -> Result<(), Refusal> {
//! # let guest = testing::Guest::<Weather>::new("{}");
//! # let query = guest.query(r#"{"city": "Bad Ems"}"#);
//! # assert_eq!(guest.build_requests(&query)?.requests[0].target, "/v1/Bad%20Ems");
//! # let body = r#"[{"unix": 1, "celsius": 20.5}, {"unix": 2, "celsius": null}]"#;
//! # let outcome = guest.transform(&query, [Response::sample(200, body)])?;
//! # assert_eq!(outcome.frames[0].fields[0].values, Column::Time(vec![1_000_000_000, 2_000_000_000]));
//! # Ok(())
//! # }
//! ```

#![expect(
    clippy::needless_pass_by_value,
    reason = "builders take `impl ToString`, so that a literal, a number and `json!` read alike"
)]

#[doc(hidden)]
pub mod bindings;
mod datasource;
mod description;
mod query;
pub mod time;
mod request;
mod response;
mod refusal;
pub mod rounds;
mod frame;
mod values;
mod numbers;
pub mod lenient;
mod json;
pub mod log;
pub mod testing;

pub use bindings::exports::graft::datasource::describe::{Capability, Description, Secret};
pub use bindings::exports::graft::datasource::health::{Diagnosis, Verdict};
pub use bindings::exports::graft::datasource::pace::Pace;
pub use bindings::exports::graft::datasource::query::{Outcome, TimeRange};
pub use bindings::exports::graft::datasource::resources::{
    Reply, ResourceRequest, ResourceResponse,
};
pub use bindings::graft::datasource::context::{DownstreamError, Refusal};
pub use bindings::graft::datasource::frame::{
    Bits, Column, Field, FieldConfig, Frame, FrameMeta, Kind, Label, Link, MappingMatch,
    MappingResult, Notice, Severity, SpecialValue, Stat, Texts, Threshold, Thresholds,
    ThresholdsMode, ValueMapping, Visualization,
};
pub use bindings::graft::datasource::http::{
    Body, Fetch, Header, Hints, Method, Parameter, Request, Response, TransportFailure,
};
pub use datasource::Datasource;
pub use numbers::Numbers;
pub use query::{Configured, NoSettings, Query};
pub use request::{encode_segment, read_state, secret};
pub use response::Responses;
pub use values::{TextsBuilder, Validity, Values};

/// What the [`export!`] macro needs; not part of the interface.
#[doc(hidden)]
pub mod internal {
    pub use crate::datasource::Component;
}

// The guide's examples are compiled and run with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../docs/vendor-guide.md")]
struct VendorGuide;
