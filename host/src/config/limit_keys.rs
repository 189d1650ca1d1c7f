//! The fields of [`Limits`] as keys of grafana.ini: one table, with the argument for both ends of each.
//!
//! The ends keep out what cannot work and what is no limit any more; where to stand between them is the admin's to say.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytesize::ByteSize;

use super::{ConfigError, Variables};
use crate::limits::Limits;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

/// One field of [`Limits`] as a key.
pub(super) struct LimitKey {
    /// The field's name.
    pub(super) key: &'static str,
    /// Where its value goes, and between which ends.
    pub(super) bound: Bound,
    /// See [`Key::meaning`](super::Key::meaning).
    pub(super) meaning: &'static str,
}

/// A field of [`Limits`], and the least and the most that it may be.
pub(super) enum Bound {
    /// A size in bytes.
    Bytes(Field<usize>, RangeInclusive<usize>),
    /// A number of things.
    Number(Field<usize>, RangeInclusive<usize>),
    /// A number of things that 32 bits hold.
    Number32(Field<u32>, RangeInclusive<u32>),
    /// A duration.
    Time(Field<Duration>, RangeInclusive<Duration>),
}

type Field<T> = fn(&mut Limits) -> &mut T;

/// The keys in the order of the fields.
pub(super) static LIMITS: &[LimitKey] = &[
    LimitKey {
        key: "guest_memory_bytes",
        // Least: what a guest in Rust needs for itself and a response of a few megabytes. Most: a 32-bit address space,
        // which is the only one that guests can have.
        bound: Bound::Bytes(|limits| &mut limits.guest_memory_bytes, 4 * MIB..=4 * GIB),
        meaning: "Memory of one call of a guest.",
    },
    LimitKey {
        key: "guest_cpu",
        // Least: what one megabyte of JSON takes on a busy machine, and well above the 10 ms by which a deadline may be
        // missed. Most: nobody waits longer for a panel, and an endless loop holds a core that long.
        bound: Bound::Time(|limits| &mut limits.guest_cpu, milliseconds(100)..=minutes(10)),
        meaning: "CPU time of one call of a guest.",
    },
    LimitKey {
        key: "guest_log_lines",
        // Least: none at all makes sense. Most: at 4 KiB a line, 40 MB from one call is more than a log can take.
        bound: Bound::Number32(|limits| &mut limits.guest_log_lines, 0..=10_000),
        meaning: "Lines that a guest may log in one call; more are dropped.",
    },
    LimitKey {
        key: "guest_calls",
        // Least: 0 has a meaning. Most: each reserves 13 GB of address space, of which a process has 128 TB.
        bound: Bound::Number(|limits| &mut limits.guest_calls, 0..=1_024),
        meaning: "Calls of guests that are at work at the same time; more wait. 0 means four for each core, and at least 64.",
    },
    LimitKey {
        key: "calls_waiting",
        // Least: one after the other works. Most: more than this wait for ever.
        bound: Bound::Number(|limits| &mut limits.calls_waiting, 1..=1_000_000),
        meaning: "Calls, or queries, of one data source that wait for their turn; more are refused.",
    },
    LimitKey {
        key: "memory_bytes",
        // Least: one query of a megabyte at a time. Most: the largest machines.
        bound: Bound::Bytes(|limits| &mut limits.memory_bytes, 16 * MIB..=1_024 * GIB),
        meaning: "Memory of all queries together: responses, guests' memory, columns. Queries beyond it wait.",
    },
    LimitKey {
        key: "query_time",
        // Least: a connection with TLS to another continent. Most: Grafana, and every proxy before it, gave up long ago.
        bound: Bound::Time(|limits| &mut limits.query_time, seconds(1)..=minutes(60)),
        meaning: "Time of one query from start to end, all its requests together, unless Grafana ends it sooner.",
    },
    LimitKey {
        key: "queries_in_flight",
        // Least: one after the other works. Most: more queries than any dashboard has.
        bound: Bound::Number(|limits| &mut limits.queries_in_flight, 1..=1_000),
        meaning: "Queries of one request of Grafana's that run at the same time.",
    },
    LimitKey {
        key: "rounds",
        // Least: every query has a first. Most: at ten a second, a quarter of an hour; a guest that asks for more will not
        // come to an end.
        bound: Bound::Number32(|limits| &mut limits.rounds, 1..=10_000),
        meaning: "Rounds of requests of one query, such as pages.",
    },
    LimitKey {
        key: "requests",
        // Least: a query sends one. Most: ten for each round that can be allowed; more is an attack on the API.
        bound: Bound::Number32(|limits| &mut limits.requests, 1..=100_000),
        meaning: "Requests of one query, all rounds together.",
    },
    LimitKey {
        key: "exchanges_in_flight",
        // Least: one after the other works. Most: a process has 1,024 open files unless somebody raised that.
        bound: Bound::Number(|limits| &mut limits.exchanges_in_flight, 1..=1_000),
        meaning: "Requests in flight to one data source's API; more wait.",
    },
    LimitKey {
        key: "live_interval_min",
        // Least: as often as a screen shows a difference. Most: once an hour is no stream.
        bound: Bound::Time(
            |limits| &mut limits.live_interval_min,
            Duration::from_millis(100)..=minutes(60),
        ),
        meaning: "The least time between two questions to an API for one live stream.",
    },
    LimitKey {
        key: "live_streams",
        // Least: none, which switches them off. Most: more than there are users of one Grafana.
        bound: Bound::Number(|limits| &mut limits.live_streams, 0..=100_000),
        meaning: "Live streams that run at the same time, of all data sources.",
    },
    LimitKey {
        key: "response_bytes",
        // Least: an API's error page. Most: half of the largest memory that a guest can have, which has to take it in.
        bound: Bound::Bytes(|limits| &mut limits.response_bytes, 64 * KIB..=2 * GIB),
        meaning: "Body of one response, decompressed.",
    },
    LimitKey {
        key: "decompression_ratio",
        // Least: what plain text comes to. Most: none of the compressions in use gets further with anything that is worth sending.
        bound: Bound::Number(|limits| &mut limits.decompression_ratio, 10..=100_000),
        meaning: "Body of one response, in times of its compressed size.",
    },
    LimitKey {
        key: "header_bytes",
        // Least: what common APIs and the proxies before them send. Most: hyper reads no more in HTTP/1.
        bound: Bound::Bytes(|limits| &mut limits.header_bytes, 4 * KIB..=400 * KIB),
        meaning: "Header fields of one response, names and values together.",
    },
    LimitKey {
        key: "cache_bytes",
        // Least: none, which switches it off. Most: the largest machines.
        bound: Bound::Bytes(|limits| &mut limits.cache_bytes, 0..=64 * GIB),
        meaning: "Responses that are kept in memory to be given again, of all data sources. 0 keeps none.",
    },
    LimitKey {
        key: "frames",
        // Least: an answer has one. Most: a hundred times what Grafana's panels can draw.
        bound: Bound::Number(|limits| &mut limits.frames, 1..=100_000),
        meaning: "Frames of one query.",
    },
    LimitKey {
        key: "rows",
        // Least: a single value is one row. Most: positions in a column are 32 bits wide.
        bound: Bound::Number(|limits| &mut limits.rows, 1..=i32::MAX as usize),
        meaning: "Rows of one query, all frames together.",
    },
    LimitKey {
        key: "column_bytes",
        // Least: a small table. Most: offsets in text columns are 32 bits wide.
        bound: Bound::Bytes(|limits| &mut limits.column_bytes, 64 * KIB..=2 * GIB),
        meaning: "Columns of one query in memory, all frames together.",
    },
];

/// The limits, each as its key says, else its default.
pub(super) fn read(variables: &Variables<'_>) -> Result<Limits, ConfigError> {
    let mut limits = Limits::default();
    for LimitKey { key, bound, .. } in LIMITS {
        let Some(value) = variables.key(key) else { continue };
        if bound.set(&mut limits, value.trim()).is_none() {
            return Err(ConfigError { key, value, expected: bound.expected() });
        }
    }
    Ok(limits)
}

impl Bound {
    /// Sets the field. None if the text is no value, or one beyond the ends.
    fn set(&self, limits: &mut Limits, text: &str) -> Option<()> {
        match self {
            Self::Bytes(field, ends) => *field(limits) = within(read_bytes(text)?, ends)?,
            Self::Number(field, ends) => *field(limits) = within(text.parse().ok()?, ends)?,
            Self::Number32(field, ends) => *field(limits) = within(text.parse().ok()?, ends)?,
            Self::Time(field, ends) => *field(limits) = within(read_time(text)?, ends)?,
        }
        Some(())
    }

    /// The field's value, as it could be written in grafana.ini.
    pub(super) fn show(&self, limits: &mut Limits) -> String {
        match self {
            Self::Bytes(field, _) => show_bytes(*field(limits)),
            Self::Number(field, _) => field(limits).to_string(),
            Self::Number32(field, _) => field(limits).to_string(),
            Self::Time(field, _) => show_time(*field(limits)),
        }
    }

    /// What the key can be set to, as the end of "which is not".
    pub(super) fn expected(&self) -> String {
        let (least, most, kind, example) = match self {
            Self::Bytes(_, ends) => {
                let example = ", such as '64 MiB', or a number of bytes";
                (show_bytes(*ends.start()), show_bytes(*ends.end()), "size", example)
            }
            Self::Number(_, ends) => {
                (ends.start().to_string(), ends.end().to_string(), "whole number", "")
            }
            Self::Number32(_, ends) => {
                (ends.start().to_string(), ends.end().to_string(), "whole number", "")
            }
            Self::Time(_, ends) => {
                let example = ", such as '500ms', or a number of seconds";
                (show_time(*ends.start()), show_time(*ends.end()), "duration", example)
            }
        };
        format!("a {kind} from {least} to {most}{example}")
    }
}

fn within<T: PartialOrd>(value: T, ends: &RangeInclusive<T>) -> Option<T> {
    ends.contains(&value).then_some(value)
}

/// `256MiB`, `256 MB` or bytes.
fn read_bytes(text: &str) -> Option<usize> {
    let size: ByteSize = text.parse().ok()?;
    usize::try_from(size.as_u64()).ok()
}

fn show_bytes(bytes: usize) -> String {
    let text = ByteSize::b(bytes as u64).display().iec().to_string();
    text.replace(".0 ", " ")
}

/// `10s`, `1m 30s`, `500ms` or seconds.
fn read_time(text: &str) -> Option<Duration> {
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_no_number) => humantime::parse_duration(text).ok(),
    }
}

fn show_time(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

const fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

const fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}
