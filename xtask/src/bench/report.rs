//! The figures as text: ratios first, then tables. It is Markdown, so that it can go into `docs/benchmarks.md` as it is.

use anyhow::{Context as _, bail};

use super::aims;
use super::figures::{grouped, megabytes};
use super::measure::{Host, Measured};
use super::slow::QUERIES;
use crate::repository::root;
use crate::step::time;
use crate::table::Table;

/// The page, and what stands around the figures there.
const PAGE: &str = "docs/benchmarks.md";
const BEGIN: &str = "<!-- What stands from here is written by `cargo xtask bench --write`. -->";
const END: &str = "<!-- From here on it is written by hand. -->";

/// The whole report.
pub(super) fn write(
    machine: &[String],
    subjects: &[Measured],
    host: &Host,
    left_out: &[String],
) -> String {
    let list = |lines: &[String]| lines.iter().map(|line| format!("- {line}\n")).collect();
    let note = "\\* These guests have another API, of sensors, that answers with as many rows of a time, a number and a word.\n";
    let mut parts: Vec<(&str, String)> = vec![
        ("Ratios", aims::table(&aims::all(subjects, host)).to_string()),
        ("Measured with", list(machine)),
        ("Queries in flight", format!("{}\n{note}", loads(subjects))),
        ("One query of 1,000,000 rows at a time", large(subjects).to_string()),
        ("1,000 queries at once, of an API that takes a second", slow(subjects).to_string()),
        ("Start, with compiled guests in the cache", starts(subjects).to_string()),
        ("One query of 100 rows beside the bare HTTP exchange", bare(subjects).to_string()),
        (
            "An exchange of 100 rows by the host's client and by reqwest alone",
            layer(host).to_string(),
        ),
        ("The same guest in the sandbox and as native code", native(host).to_string()),
    ];
    if !left_out.is_empty() {
        parts.push(("Left out", list(left_out)));
    }
    let sections = parts.iter().map(|(title, text)| format!("### {title}\n\n{text}"));
    sections.collect::<Vec<_>>().join("\n")
}

fn loads(subjects: &[Measured]) -> Table<10> {
    let mut table = Table::new([
        "Subject",
        "Rows",
        "In flight",
        "p50",
        "p99",
        "Queries/s",
        "Rows/s",
        "CPU per query",
        "Core at work",
        "Peak memory",
    ]);
    for subject in subjects {
        for one in &subject.loads {
            table.row([
                subject.kind.name().to_owned(),
                grouped(one.load.rows as f64),
                one.load.in_flight.to_string(),
                time(one.times.median()),
                time(one.times.percentile(99)),
                grouped(one.queries_per_second()),
                grouped(one.rows_per_second()),
                time(one.processor_per_query()),
                format!("{:.0} %", one.busy() * 100.0),
                megabytes(one.peak),
            ]);
        }
    }
    table
}

fn large(subjects: &[Measured]) -> Table<7> {
    let mut table = Table::new([
        "Subject",
        "p50",
        "Rows/s",
        "CPU per query",
        "Body",
        "Peak memory added",
        "to the body",
    ]);
    for (subject, one) in subjects.iter().filter_map(|one| Some((one, one.large.as_ref()?))) {
        table.row([
            subject.kind.name().to_owned(),
            time(one.times.median()),
            grouped(one.rows_per_second()),
            time(one.processor),
            megabytes(one.body_bytes),
            megabytes(one.peak),
            aims::times(one.peak_to_body()),
        ]);
    }
    table
}

fn slow(subjects: &[Measured]) -> Table<5> {
    let mut table = Table::new(["Subject", "Answered", "in", "CPU in all", "Peak memory"]);
    for (subject, one) in subjects.iter().filter_map(|one| Some((one, one.slow.as_ref()?))) {
        table.row([
            subject.kind.name().to_owned(),
            format!("{} of {}", grouped(one.answered as f64), grouped(QUERIES as f64)),
            time(one.took),
            time(one.processor),
            megabytes(one.peak),
        ]);
    }
    table
}

fn starts(subjects: &[Measured]) -> Table<5> {
    let mut table =
        Table::new(["Subject", "Handshake, p50", "p99", "First query after it, p50", "p99"]);
    for (subject, one) in subjects.iter().filter_map(|one| Some((one, one.starts.as_ref()?))) {
        table.row([
            subject.kind.name().to_owned(),
            time(one.handshakes.median()),
            time(one.handshakes.percentile(99)),
            time(one.first_queries.median()),
            time(one.first_queries.percentile(99)),
        ]);
    }
    table
}

fn bare(subjects: &[Measured]) -> Table<5> {
    let mut table =
        Table::new(["Subject", "Added, p50", "p99", "Through the plugin, p50", "Bare, p50"]);
    for (subject, one) in subjects.iter().filter_map(|one| Some((one, one.bare.as_ref()?))) {
        table.row([
            subject.kind.name().to_owned(),
            time(one.added.median()),
            time(one.added.percentile(99)),
            time(one.plugin.median()),
            time(one.bare.median()),
        ]);
    }
    table
}

fn layer(host: &Host) -> Table<4> {
    let mut table = Table::new(["", "p50", "p90", "p99"]);
    if let Some(both) = &host.layer {
        for (name, times) in [("reqwest alone", &both.plain), ("the host's client", &both.client)] {
            let percentiles = [50, 90, 99].map(|percent| time(times.percentile(percent)));
            let [median, nine, most] = percentiles;
            table.row([name.to_owned(), median, nine, most]);
        }
    }
    table
}

fn native(host: &Host) -> Table<6> {
    let mut table =
        Table::new(["Guest", "Body", "Sandbox, p50", "Native, p50", "Ratio", "Native peak memory"]);
    for one in &host.compared {
        table.row([
            one.guest.to_owned(),
            megabytes(one.body_bytes),
            time(one.calls.median()),
            time(one.native.median()),
            aims::times(one.ratio()),
            megabytes(one.native_peak),
        ]);
    }
    table
}

/// Puts a report into the page, in the place of the one that is there.
pub(super) fn put_into_docs(report: &str) -> anyhow::Result<()> {
    let file = root().join(PAGE);
    let page = std::fs::read_to_string(&file).with_context(|| format!("{PAGE} cannot be read"))?;
    let page = replaced(&page, report)?;
    std::fs::write(&file, page).with_context(|| format!("{PAGE} cannot be written"))
}

fn replaced(page: &str, report: &str) -> anyhow::Result<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (_old, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        bail!("{PAGE} has no place for figures: it lacks '{BEGIN}' before '{END}'");
    };
    Ok(format!("{before}{BEGIN}\n\n{report}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::super::large::ROWS;
    use super::*;

    #[test]
    fn a_report_replaces_the_one_before_it_and_nothing_else() {
        let page = format!("# Figures\n\n{BEGIN}\n\nold\n\n{END}\n\nMore.\n");
        let expected = format!("# Figures\n\n{BEGIN}\n\nnew\n\n{END}\n\nMore.\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), expected);
        assert_eq!(replaced(&expected, "new\n").unwrap(), expected);
        assert!(replaced("# Figures\n", "new\n").is_err());
    }

    #[test]
    fn the_page_has_a_place_for_figures() {
        let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
        assert!(replaced(&page, "x").is_ok());
    }

    #[test]
    fn a_report_of_nothing_has_no_figures_and_says_why() {
        let host = Host { layer: None, compared: Vec::new(), calls: None, idle: None };
        let report = write(&[], &[], &host, &["Left out is Go: no.".to_owned()]);
        assert!(report.starts_with("### Ratios\n"), "{report}");
        assert!(report.ends_with("### Left out\n\n- Left out is Go: no.\n"), "{report}");
        assert!(!report.contains("Processor"), "{report}");
        assert_eq!(grouped(ROWS as f64), "1,000,000", "the headings say this number");
    }
}
