//! Everything that is measured, in order: each subject by itself, and then what concerns the host alone.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::api::Api;
use super::bare::{self, Bare};
use super::calls;
use super::figures::Times;
use super::idle;
use super::large::{self, Large};
use super::layer::{self, Layer};
use super::left_out::LeftOut;
use super::load::{self, Lengths, Load, Loaded};
use super::native::{self, Compared};
use super::processors::{Processors, launch};
use super::slow::{self, Slow};
use super::start::{self, Starts};
use super::subject::{Kind, Subject, Subjects};
use crate::step::Step;

/// Rows of the loads, and queries in flight of each.
const ROWS: [usize; 2] = [100, 10_000];
const IN_FLIGHT: [usize; 3] = [1, 16, 256];

/// How often, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    pub(super) starts: usize,
    pub(super) bare_turns: usize,
    pub(super) layer_turns: usize,
    pub(super) lengths: Lengths,
    /// A load whose first answers would take longer than this is left out.
    pub(super) patience: Duration,
    pub(super) large_queries: usize,
    pub(super) calls: usize,
}

/// What came of one subject. What is missing was left out.
pub(super) struct Measured {
    pub(super) kind: Kind,
    pub(super) starts: Option<Starts>,
    pub(super) bare: Option<Bare>,
    pub(super) loads: Vec<Loaded>,
    pub(super) large: Option<Large>,
    pub(super) slow: Option<Slow>,
}

impl Measured {
    /// What came of one load.
    pub(super) fn load(&self, rows: usize, in_flight: usize) -> Option<&Loaded> {
        self.loads.iter().find(|one| one.load == Load { rows, in_flight })
    }
}

/// What came of the host alone.
pub(super) struct Host {
    pub(super) layer: Option<Layer>,
    pub(super) compared: Vec<Compared>,
    pub(super) calls: Option<Times>,
    /// Bytes.
    pub(super) idle: Option<u64>,
}

/// Where and how to measure.
pub(super) struct Bench {
    effort: Effort,
    processors: Option<Processors>,
    api: SocketAddr,
    slow_api: SocketAddr,
}

impl Bench {
    /// Starts the APIs. From here on the calling thread is on the processor that measures.
    pub(super) async fn start(
        effort: Effort,
        processors: Option<Processors>,
    ) -> anyhow::Result<Self> {
        if let Some(processors) = processors {
            processors.measure()?;
        }
        let api = Api::serve(&[ROWS[0], ROWS[1], large::ROWS], Duration::ZERO).await?;
        let slow_api = Api::serve(&[ROWS[0]], slow::WAIT).await?;
        Ok(Self { effort, processors, api, slow_api })
    }

    /// Measures a subject in every way.
    pub(super) async fn subject(&self, subject: &Subject, left_out: &mut LeftOut) -> Measured {
        let Effort { starts, large_queries, patience, .. } = self.effort;
        let name = subject.kind.name();
        let step = Step::begin(name);
        let starts = start::measure(subject, self.processors, self.api, starts).await;
        let starts = left_out.unless(&format!("{name}: starts"), starts);
        let (bare, loads) = self.loads(subject, left_out).await;
        let large = large::measure(subject, self.processors, self.api, large_queries).await;
        let large = left_out.unless(&format!("{name}: {} rows", large::ROWS), large);
        let slow = slow::measure(subject, self.processors, self.slow_api, patience).await;
        let slow = left_out.unless(&format!("{name}: the slow API"), slow);
        step.done();
        Measured { kind: subject.kind, starts, bare, loads, large, slow }
    }

    /// All loads in one process, the lightest first.
    async fn loads(
        &self,
        subject: &Subject,
        left_out: &mut LeftOut,
    ) -> (Option<Bare>, Vec<Loaded>) {
        let name = subject.kind.name();
        let (mut bare, mut loads) = (None, Vec::<Loaded>::new());
        let plugin = launch(self.processors, subject.launch()).await.map_err(Into::into);
        let Some(plugin) = left_out.unless(&format!("{name}: all loads"), plugin) else {
            return (bare, loads);
        };
        for rows in ROWS {
            for in_flight in IN_FLIGHT {
                let what = format!("{name}: {rows} rows, {in_flight} in flight");
                let alone = loads.iter().find(|one| one.load == Load { rows, in_flight: 1 });
                let turn = alone
                    .map(|one| one.times.median() * u32::try_from(in_flight).unwrap_or(u32::MAX));
                if let Some(turn) = turn.filter(|turn| *turn > self.effort.patience) {
                    let seconds = turn.as_secs_f64();
                    left_out.say(format!(
                        "Left out is {what}: one answer to each takes {seconds:.0} s"
                    ));
                    continue;
                }
                let request = subject.request(self.api, rows);
                let load = Load { rows, in_flight };
                let loaded = load::measure(&plugin, &request, load, self.effort.lengths).await;
                loads.extend(left_out.unless(&what, loaded));
            }
        }
        let turns = bare::measure(subject, &plugin, self.api, self.effort.bare_turns).await;
        bare = left_out.unless(&format!("{name}: beside a bare exchange"), turns);
        (bare, loads)
    }

    /// Measures what concerns the host alone.
    pub(super) async fn host(
        &self,
        subjects: &Subjects,
        native: &Path,
        layer: &Path,
        left_out: &mut LeftOut,
    ) -> Host {
        let step = Step::begin("Graft alone");
        let turns = self.effort.layer_turns;
        let layer = layer::measure(layer, self.processors, self.api, turns).await;
        let layer = left_out.unless("the layer over HTTP", layer);
        let mut compared = Vec::new();
        for guest in native::GUESTS {
            let (host, repetitions) = (subjects.launch(), self.effort.large_queries);
            let both = native::measure(host, self.processors, native, guest, repetitions).await;
            compared.extend(left_out.unless(&format!("guest {guest} as native code"), both));
        }
        let calls =
            calls::measure(subjects.launch(), self.processors, self.api, self.effort.calls).await;
        let calls = left_out.unless("the time of a call that does nothing", calls);
        let idle = left_out.unless("idle memory", idle::measure(&subjects.binary).await);
        step.done();
        Host { layer, compared, calls, idle }
    }
}

/// Starts every host once, on all processors, so that guests are compiled before anything is measured.
pub(super) async fn compile(subjects: &Subjects) -> anyhow::Result<()> {
    let api = Api::serve(&[ROWS[0]], Duration::ZERO).await?;
    let step = Step::begin("guests are compiled once");
    for subject in subjects.list.iter().filter(|subject| subject.kind.is_host()) {
        // On a busy machine, CPython takes its time.
        let plugin =
            graft_launch::Plugin::launch(subject.launch().setting("query_time", "5m")).await?;
        let response = plugin.query_data(subject.request(api, ROWS[0])).await?;
        subject.api.check(&response, ROWS[0])?;
        plugin.shutdown().await?;
    }
    step.done();
    Ok(())
}
