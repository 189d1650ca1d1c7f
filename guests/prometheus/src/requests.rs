//! What Prometheus is asked for one query.

use graft_guest::{Configured, Method, Parameter, Query, Refusal, Request};
use std::time::Duration;

use crate::duration::{in_hours, seconds};
use crate::interpolation::interpolate;
use crate::interval::{Timing, align};
use crate::model::Model;
use crate::settings::Settings;

#[cfg(test)]
mod tests;

/// One request of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The values at the time range's end.
    Instant,
    /// The values along the time range.
    Range,
    /// Exemplars: single observations, with their traces.
    Exemplars,
}

/// A query as Prometheus is asked it. The same query always gives the same plan, so both halves of
/// the story make it for themselves.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The expression without Grafana's variables.
    pub(crate) expression: String,
    /// The distance between points.
    pub(crate) step: Duration,
    /// The time range on multiples of the step, in nanoseconds.
    range: (i128, i128),
    /// The point in time of an instant query, in nanoseconds.
    instant: i64,
    /// The requests, in order.
    pub(crate) asks: Vec<Ask>,
}

impl Plan {
    /// Plans a query.
    ///
    /// # Errors
    /// If a duration in the query or the settings is none, or an alert rule has no expression.
    pub(crate) fn of(
        query: &Query<Model>,
        datasource: &Configured<Settings>,
    ) -> Result<Self, Refusal> {
        let (model, time_range) = (&query.model, query.time_range);
        let timing = Timing::of(query, datasource)?;
        let aligned = |time| align(time, timing.step, model.utc_offset_sec);
        let mut asks = Vec::new();
        if model.expr.is_empty() {
            // A panel whose query is still to be written shows no error, but an alert rule without
            // one would stay silent for ever.
            if query.from_alert {
                let text = "The alert rule's query has no expression (`expr`). Enter one.";
                return Err(Refusal::BadQuery(text.to_owned()));
            }
        } else {
            let wanted = [
                (Ask::Instant, model.instant),
                (Ask::Range, model.range()),
                // Nobody sees the frames of an alert rule.
                (Ask::Exemplars, model.exemplar && !query.from_alert),
            ];
            asks.extend(wanted.into_iter().filter_map(|(ask, wanted)| wanted.then_some(ask)));
        }
        Ok(Self {
            expression: interpolate(&model.expr, &timing),
            step: timing.step,
            range: (aligned(time_range.from), aligned(time_range.to)),
            instant: time_range.to,
            asks,
        })
    }

    /// The requests, in the order of `asks`.
    ///
    /// # Errors
    /// If the settings' query timeout is no duration.
    pub(crate) fn requests(&self, settings: &Settings) -> Result<Vec<Request>, Refusal> {
        self.asks.iter().map(|ask| self.request(*ask, settings)).collect()
    }

    fn request(&self, ask: Ask, settings: &Settings) -> Result<Request, Refusal> {
        let mut fields = vec![Parameter::from(("query", &self.expression))];
        let (start, end) = self.range;
        match ask {
            Ask::Instant => fields.push(("time", seconds(self.instant.into())).into()),
            Ask::Range | Ask::Exemplars => {
                fields.push(("start", seconds(start)).into());
                fields.push(("end", seconds(end)).into());
            }
        }
        if ask == Ask::Range {
            let step = i128::try_from(self.step.as_nanos()).unwrap_or(i128::MAX);
            fields.push(("step", seconds(step)).into());
        }
        if ask != Ask::Exemplars {
            fields.extend(settings.query_timeout()?.map(|timeout| ("timeout", timeout).into()));
        }
        let request = ask_for(ask.path(), fields, settings);
        // Few APIs besides Prometheus' own have exemplars, and a graph is worth showing without.
        Ok(if ask == Ask::Exemplars { request.tolerate_failure() } else { request })
    }

    /// The query as the query inspector shows it.
    pub(crate) fn executed_query(&self) -> String {
        format!("Expr: {}\nStep: {}", self.expression, in_hours(self.step))
    }

    /// The distance between points as the time field says it.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds below 285,000 years are exact")]
    pub(crate) fn step_milliseconds(&self) -> f64 {
        self.step.as_millis() as f64
    }
}

impl Ask {
    fn path(self) -> &'static str {
        match self {
            Self::Instant => "/api/v1/query",
            Self::Range => "/api/v1/query_range",
            Self::Exemplars => "/api/v1/query_exemplars",
        }
    }
}

/// A request that only reads: as a form, because an expression may be longer than a URL can be, or
/// as GET where the settings want it.
pub(crate) fn ask_for(path: &str, fields: Vec<Parameter>, settings: &Settings) -> Request {
    if settings.only_get() {
        return get(path, fields, settings);
    }
    let mut request = Request::new(Method::Post, path).form(fields).idempotent();
    request.parameters.extend(settings.custom_parameters());
    request
}

/// A GET request.
pub(crate) fn get(path: &str, fields: Vec<Parameter>, settings: &Settings) -> Request {
    let mut request = Request::get(path);
    request.parameters = fields;
    request.parameters.extend(settings.custom_parameters());
    request
}
