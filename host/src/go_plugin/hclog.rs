//! The log, as Grafana reads it from a plugin's stderr: one hclog JSON object on each line, contract section 6.1.
//!
//! On a terminal, which is never Grafana's, it is plain text instead.
//!
//! `line` and `plain` make lines, `fields` collects what events and spans say, and here both become a layer of `tracing`.

mod fields;
mod line;
mod plain;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::SystemTime;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use self::fields::{Fields, SpanFields};
pub(super) use self::line::line;
use self::plain::plain;

/// Targets of this crate begin so.
const OUR_TARGETS: &str = "graft_host";
/// The binary's own.
const BINARY_TARGETS: &str = "gpx_graft";
/// What guests say.
const GUEST_TARGET: &str = "guest";
/// Spans that another listener exports. Their fields are not the log's, but what is logged within one belongs to the request
/// around it, which on a guest's thread only they lead to.
const TRACE_TARGET: &str = "trace";

/// Sends this process's log to stderr, and beside it what `other` hears to wherever that goes. To be called once, before anything
/// logs.
///
/// `level` is for the host and its guests. Libraries are heard from `warn` on: their details would bury ours, and some
/// write down headers.
pub fn install(level: Level, other: Option<Other>) -> Result<(), TryInitError> {
    let mut targets = targets(level);
    if other.is_some() {
        targets = targets.with_target(TRACE_TARGET, LevelFilter::INFO);
    }
    let log = Hclog { reader: reader(), write: to_stderr };
    let mut layers = vec![log.with_filter(targets).boxed()];
    layers.extend(other);
    tracing_subscriber::registry().with(layers).try_init()
}

/// Another listener beside the log.
pub type Other = Box<dyn Layer<Registry> + Send + Sync>;

fn targets(level: Level) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN.min(level.into()))
        .with_targets([OUR_TARGETS, BINARY_TARGETS, GUEST_TARGET].map(|target| (target, level)))
}

/// Says, at error level, why this process ends. Does not need the log to be installed.
pub fn fatal(message: &str) {
    let none = std::iter::empty();
    to_stderr(&match reader() {
        Reader::Grafana => line(Level::ERROR, BINARY_TARGETS, message, none, SystemTime::now()),
        Reader::Person => plain(Level::ERROR, message, none),
    });
}

/// Whom the log is for.
pub(super) enum Reader {
    /// Grafana, or a test that plays Grafana.
    Grafana,
    /// A developer.
    Person,
}

pub(super) fn reader() -> Reader {
    if io::stderr().is_terminal() { Reader::Person } else { Reader::Grafana }
}

/// Writes a line at once, so that no other thread's comes between. When stderr is gone there is nobody left to tell.
pub(super) fn to_stderr(line: &[u8]) {
    let _written = io::stderr().lock().write_all(line);
}

/// A layer that hands each event on as a line.
struct Hclog<W> {
    reader: Reader,
    /// Takes one line, its line break included.
    write: W,
}

impl<S, W> Layer<S> for Hclog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if attributes.metadata().target() == TRACE_TARGET {
            return;
        }
        let Some(span) = ctx.span(id) else { return };
        let mut fields = SpanFields::default();
        attributes.record(&mut fields.0);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            values.record(&mut fields.0);
        }
    }

    /// An event has its own fields and those of the spans around it; where names meet, the innermost counts.
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in ctx.event_scope(event).into_iter().flatten().collect::<Vec<_>>().iter().rev() {
            if let Some(SpanFields(outer)) = span.extensions().get::<SpanFields>() {
                fields.extend(outer);
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        let message = fields.take_message();
        let (level, module) = (*metadata.level(), metadata.target());
        (self.write)(&match self.reader {
            Reader::Grafana => line(level, module, &message, fields.pairs(), SystemTime::now()),
            Reader::Person => plain(level, &message, fields.pairs()),
        });
    }
}
