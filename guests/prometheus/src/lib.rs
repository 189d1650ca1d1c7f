//! Prometheus' HTTP API: a stand-in for Grafana's own Prometheus data source.
//!
//! A dashboard or an alert rule that was made for that data source works here as it is: queries and
//! settings have its members, and steps, variables, legends and frames come out as there. Mimir,
//! Thanos, Cortex and VictoriaMetrics speak the same API.
//!
//! One query, in reading order: its members are read (`model`), durations and steps worked out
//! (`interval`), variables replaced (`interpolation`), requests built (`requests`), responses
//! read (`response`), and frames made of them (`frames`, `table`, `heatmap`, `exemplars`).

mod settings;
mod model;
mod tolerance;
mod duration;
mod interval;
mod interpolation;
mod requests;
mod response;
mod legend;
mod frames;
mod table;
mod heatmap;
mod exemplars;
mod health;
mod resources;

use graft_guest::{
    Capability, Configured, Datasource, Description, Fetch, Frame, FrameMeta, Method, Notice,
    Outcome, Query, Refusal, Reply, ResourceRequest, Response, Responses, Severity, Verdict, log,
};

use frames::Framing;
use model::Model;
use requests::{Ask, Plan};
use settings::Settings;

#[cfg(test)]
mod tests;

/// The guest.
pub struct Prometheus;

impl Datasource for Prometheus {
    type Settings = Settings;
    type Query = Model;

    fn describe() -> Description {
        Description::new("prometheus", "Prometheus", env!("CARGO_PKG_VERSION"))
            .vendor("Graft")
            .documentation("https://prometheus.io/docs/prometheus/latest/querying/api/")
            .query_schema(include_str!("../query.schema.json"))
            .settings_schema(include_str!("../settings.schema.json"))
            .capabilities(&[
                Capability::Metrics,
                Capability::Alerting,
                Capability::Annotations,
                Capability::Variables,
            ])
            .methods(&[Method::Get, Method::Post])
    }

    fn build_requests(
        query: &Query<Model>,
        datasource: &Configured<Settings>,
    ) -> Result<Fetch, Refusal> {
        let plan = Plan::of(query, datasource)?;
        Ok(plan.requests(&datasource.settings)?.into())
    }

    fn transform(
        query: &Query<Model>,
        datasource: &Configured<Settings>,
        responses: Responses,
        _: &str,
    ) -> Result<Outcome, Refusal> {
        let plan = Plan::of(query, datasource)?;
        if responses.len() != plan.asks.len() {
            let (wanted, got) = (plan.asks.len(), responses.len());
            let text = format!("The guest wanted {wanted} responses and got {got}.");
            return Err(Refusal::Internal(text));
        }
        let framing = Framing { plan: &plan, model: &query.model, from_alert: query.from_alert };
        let mut story = Story { framing, frames: Vec::new(), refusals: Vec::new() };
        for (ask, response) in plan.asks.iter().zip(responses) {
            story.tell(*ask, response, &datasource.settings);
        }
        story.end().map(Outcome::from)
    }

    fn health_requests(datasource: &Configured<Settings>) -> Result<Fetch, Refusal> {
        health::requests(&datasource.settings)
    }

    fn diagnose(
        _: &Configured<Settings>,
        responses: Responses,
        _: &str,
    ) -> Result<Verdict, Refusal> {
        health::diagnose(responses)
    }

    fn resource_requests(
        request: &ResourceRequest,
        datasource: &Configured<Settings>,
    ) -> Result<Fetch, Refusal> {
        resources::requests(request, &datasource.settings)
    }

    fn respond(
        request: &ResourceRequest,
        datasource: &Configured<Settings>,
        responses: Responses,
        state: &str,
    ) -> Result<Reply, Refusal> {
        resources::respond(request, &datasource.settings, responses, state)
    }
}

/// One query's responses, becoming its frames.
struct Story<'query> {
    framing: Framing<'query>,
    frames: Vec<Frame>,
    refusals: Vec<Refusal>,
}

impl Story<'_> {
    fn tell(&mut self, ask: Ask, response: Response, settings: &Settings) {
        if ask == Ask::Exemplars {
            match exemplars::frame(&response, self.framing.plan, settings) {
                Ok(frame) => self.frames.extend(frame),
                Err(refusal) => log::warn(&format!("No exemplars: {}", words(&refusal))),
            }
            return;
        }
        let answer = response::read(&response);
        // A body is as large as all that is made of it.
        drop(response);
        match answer.and_then(|answer| self.framing.frames(answer)) {
            Ok(frames) => self.frames.extend(frames),
            Err(refusal) => self.refusals.push(refusal),
        }
    }

    /// The frames. Where one of two requests failed a user sees what the other brought, and why it
    /// is not all; an alert rule fails.
    fn end(self) -> Result<Vec<Frame>, Refusal> {
        let Self { framing, frames, refusals } = self;
        if frames.is_empty() || framing.from_alert {
            if let Some(first) = refusals.into_iter().next() {
                return Err(first);
            }
            return Ok(if frames.is_empty() { vec![framing.no_data()] } else { frames });
        }
        // A frame that says "no data" must not stand beside data, but what it says must.
        let (mut data, mut empty): (Vec<_>, Vec<_>) =
            frames.into_iter().partition(|frame| !frame.fields.is_empty());
        if data.is_empty() {
            data.extend(empty.pop());
        }
        let unsaid = empty.into_iter().flat_map(|frame| frame.meta);
        let unsaid = unsaid.filter(|meta| matches!(meta, FrameMeta::Notice(_)));
        let failures = refusals.iter().map(|refusal| {
            let text = words(refusal).to_owned();
            FrameMeta::Notice(Notice { severity: Severity::Error, text, link: None })
        });
        if let Some(first) = data.first_mut() {
            first.meta.extend(unsaid.chain(failures));
        }
        Ok(data)
    }
}

/// The text of a refusal.
fn words(refusal: &Refusal) -> &str {
    match refusal {
        Refusal::BadQuery(text)
        | Refusal::BadSettings(text)
        | Refusal::NotFound(text)
        | Refusal::Unsupported(text)
        | Refusal::UnexpectedResponse(text)
        | Refusal::Internal(text) => text,
        Refusal::Downstream(error) => &error.message,
    }
}

graft_guest::export!(Prometheus);
