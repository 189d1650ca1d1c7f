//! What decides: ratios of the host to its peers, to native code, and to what the project wants to reach.

use std::time::Duration;

use super::calls::EXPORT;
use super::figures::megabytes;
use super::measure::{Host, Measured};
use super::slow::{QUERIES, WAIT};
use super::subject::Kind;
use crate::step::time;
use crate::table::Table;

/// One of them. It is there only if what it needs was measured.
pub(super) struct Ratio {
    what: String,
    measured: String,
    /// None where the figure is for information.
    aim: Option<Aim>,
}

struct Aim {
    text: String,
    is_met: bool,
}

/// All of them, the comparisons first.
pub(super) fn all(subjects: &[Measured], host: &Host) -> Vec<Ratio> {
    let of = |kind| subjects.iter().find(|one| one.kind == kind);
    let Some(rust) = of(Kind::Rust) else { return Vec::new() };
    let mut ratios = Vec::new();
    for (kind, small_aim, large_aim) in
        [(Kind::Go, Some(2.0), Some(3.0)), (Kind::Python, None, None)]
    {
        if let Some(peer) = of(kind) {
            ratios.extend(to_peer(rust, peer, small_aim, large_aim));
        }
    }
    ratios.extend(to_native(host));
    ratios.extend(of_memory(rust, of(Kind::Go), host));
    ratios.extend(of_times(rust, host));
    ratios
}

fn to_peer(
    rust: &Measured,
    peer: &Measured,
    small_aim: Option<f64>,
    large_aim: Option<f64>,
) -> Vec<Ratio> {
    let name = match peer.kind {
        Kind::Go => "the Go plugin",
        _ => "the Python plugin",
    };
    let aim = |ratio: f64, least: Option<f64>| {
        least.map(|least| Aim { text: format!("at least {least} ×"), is_met: ratio >= least })
    };
    let mut ratios = Vec::new();
    for (rows, in_flight) in [(100, 1), (100, 16), (100, 256), (10_000, 16)] {
        let both = rust.load(rows, in_flight).zip(peer.load(rows, in_flight));
        let Some((ours, theirs)) = both else { continue };
        let ratio = ours.queries_per_second() / theirs.queries_per_second();
        let least = small_aim.filter(|_aim| (rows, in_flight) == (100, 16));
        ratios.push(Ratio {
            what: format!("queries/s to {name}: {rows} rows, {in_flight} in flight"),
            measured: times(ratio),
            aim: aim(ratio, least),
        });
    }
    if let Some((ours, theirs)) = rust.large.as_ref().zip(peer.large.as_ref()) {
        let ratio = ours.rows_per_second() / theirs.rows_per_second();
        ratios.push(Ratio {
            what: format!("rows/s to {name}: 1,000,000 rows"),
            measured: times(ratio),
            aim: aim(ratio, large_aim),
        });
    }
    ratios
}

fn to_native(host: &Host) -> Vec<Ratio> {
    let compared = host.compared.iter();
    let ratio = |one: &super::native::Compared| Ratio {
        what: format!("time of 1,000,000 rows, guest {} to itself as native code", one.guest),
        measured: times(one.ratio()),
        aim: Some(Aim { text: "at most 1.25 ×".to_owned(), is_met: one.ratio() <= 1.25 }),
    };
    compared.map(ratio).collect()
}

fn of_memory(rust: &Measured, go: Option<&Measured>, host: &Host) -> Vec<Ratio> {
    let mut ratios = Vec::new();
    if let Some(large) = &rust.large {
        let go = go.and_then(|go| go.large.as_ref());
        let go = go.map(|go| format!(" (the Go plugin: {})", times(go.peak_to_body())));
        ratios.push(Ratio {
            what: format!(
                "peak memory of 1,000,000 rows to the body's size{}",
                go.unwrap_or_default()
            ),
            measured: times(large.peak_to_body()),
            aim: Some(Aim { text: "at most 4 ×".to_owned(), is_met: large.peak_to_body() <= 4.0 }),
        });
    }
    if let Some(slow) = &rust.slow {
        ratios.push(Ratio {
            what: format!("memory with {QUERIES} queries in flight"),
            measured: megabytes(slow.peak),
            aim: Some(Aim { text: "under 200 MB".to_owned(), is_met: slow.peak < 200_000_000 }),
        });
    }
    if let Some(idle) = host.idle {
        ratios.push(Ratio {
            what: "memory with ten guests and nothing to do".to_owned(),
            measured: megabytes(idle),
            aim: Some(Aim { text: "under 30 MB".to_owned(), is_met: idle < 30_000_000 }),
        });
    }
    ratios
}

fn of_times(rust: &Measured, host: &Host) -> Vec<Ratio> {
    let at_most = |what: String, measured: Duration, most: Duration| Ratio {
        what,
        measured: time(measured),
        aim: Some(Aim { text: format!("at most {}", time(most)), is_met: measured <= most }),
    };
    let mut ratios = Vec::new();
    if let Some(slow) = &rust.slow {
        let what = format!("{QUERIES} queries at once, of an API that takes {}", time(WAIT));
        let mut ratio = at_most(what, slow.took, Duration::from_millis(1_500));
        if slow.answered < QUERIES {
            ratio.measured = format!("{} answered", slow.answered);
            ratio.aim = ratio.aim.map(|aim| Aim { is_met: false, ..aim });
        }
        ratios.push(ratio);
    }
    if let Some(layer) = &host.layer {
        let what = "added to an exchange of 100 rows by reqwest alone, p50".to_owned();
        ratios.push(at_most(what, layer.added(), Duration::from_micros(30)));
    }
    if let Some(calls) = &host.calls {
        let what = format!("a whole call that does next to nothing ({EXPORT}), p50");
        ratios.push(at_most(what, calls.median(), Duration::from_micros(20)));
    }
    if let Some(starts) = &rust.starts {
        let took = starts.handshakes.median();
        let what = "start to handshake, p50".to_owned();
        ratios.push(at_most(what, took, Duration::from_millis(15)));
    }
    if let Some(bare) = &rust.bare {
        let what = "added to a bare HTTP exchange of 100 rows, p50".to_owned();
        let added = bare.added.median();
        ratios.push(at_most(what, added, Duration::from_micros(200)));
    }
    ratios
}

/// All of them beside their aims.
pub(super) fn table(ratios: &[Ratio]) -> Table<4> {
    let mut table = Table::new(["Graft", "Measured", "Aim", ""]);
    for Ratio { what, measured, aim } in ratios {
        let (text, verdict) = match aim {
            Some(Aim { text, is_met }) => (text.as_str(), if *is_met { "met" } else { "MISSED" }),
            None => ("", ""),
        };
        table.row([what.clone(), measured.clone(), text.to_owned(), verdict.to_owned()]);
    }
    table
}

pub(super) fn times(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}

#[cfg(test)]
mod tests {
    use super::super::figures::Times;
    use super::super::load::{Load, Loaded};
    use super::*;

    fn measured(kind: Kind, queries: usize) -> Measured {
        let loaded = Loaded {
            load: Load { rows: 100, in_flight: 16 },
            times: Times::new(vec![Duration::from_millis(1); queries]).unwrap(),
            took: Duration::from_secs(1),
            processor: Duration::from_millis(500),
            peak: 0,
        };
        let loads = vec![loaded];
        Measured { kind, starts: None, bare: None, loads, large: None, slow: None }
    }

    #[test]
    fn an_aim_is_met_or_missed_and_what_was_not_measured_is_not_judged() {
        let host = Host { layer: None, compared: Vec::new(), calls: None, idle: Some(31_000_000) };
        let subjects =
            [measured(Kind::Rust, 40), measured(Kind::Go, 20), measured(Kind::Python, 4)];
        let shown = table(&all(&subjects, &host)).to_string();
        let lines: Vec<_> = shown.lines().skip(2).map(str::to_owned).collect();
        assert_eq!(lines.len(), 3, "{shown}");
        assert!(lines[0].contains("2.00 × | at least 2 × |    met |"), "{shown}");
        assert!(lines[1].contains("10.00 × |              |        |"), "{shown}");
        assert!(lines[2].contains("31.0 MB |  under 30 MB | MISSED |"), "{shown}");
    }
}
