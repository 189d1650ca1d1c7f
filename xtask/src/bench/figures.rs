//! Figures, and how they are shown.

use std::fmt::Write as _;
use std::time::Duration;

/// How long the same thing took, several times.
pub(super) struct Times(Vec<Duration>);

impl Times {
    /// In any order; at least one.
    pub(super) fn new(mut times: Vec<Duration>) -> anyhow::Result<Self> {
        anyhow::ensure!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        Ok(Self(times))
    }

    /// The shortest time that is not shorter than so many percent of all (the nearest rank).
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0[rank.saturating_sub(1)]
    }
}

/// One of the figures.
pub(super) struct Figure {
    pub(super) what: &'static str,
    pub(super) measured: String,
    pub(super) aim: &'static str,
    pub(super) is_met: bool,
    pub(super) details: String,
}

/// All figures, each with its aim beside it.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut table = String::new();
    for Figure { what, measured, aim, is_met, details } in figures {
        let verdict = if *is_met { "met" } else { "MISSED" };
        let _infallible =
            writeln!(table, "{measured:>10}  {aim:<15} {verdict:<7} {what}\n{:>37}{details}", "");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times = Times::new((1..=20).rev().map(Duration::from_millis).collect()).unwrap();
        let percentiles = [0, 50, 99, 100].map(|percent| times.percentile(percent).as_millis());
        assert_eq!(percentiles, [1, 10, 20, 20]);
        assert!(Times::new(Vec::new()).is_err());
    }

    #[test]
    fn a_figure_stands_beside_its_aim() {
        let figure = Figure {
            what: "start",
            measured: "16 ms".to_owned(),
            aim: "at most 15 ms",
            is_met: false,
            details: "p50".to_owned(),
        };
        let lines: Vec<_> = table(&[figure]).lines().map(str::to_owned).collect();
        assert_eq!(lines, ["     16 ms  at most 15 ms   MISSED  start", &format!("{:>37}p50", "")]);
    }
}
