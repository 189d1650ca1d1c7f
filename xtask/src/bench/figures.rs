//! Figures, and how they are written.

use std::time::Duration;

/// How long the same thing took, several times.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// In any order; at least one.
    pub(crate) fn new(mut times: Vec<Duration>) -> anyhow::Result<Self> {
        anyhow::ensure!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        Ok(Self(times))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The shortest time that is not shorter than so many percent of all (the nearest rank).
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0[rank.saturating_sub(1)]
    }

    /// The time in the middle.
    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }
}

/// A whole number with a comma before each three digits.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in millions of them.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times = Times::new((1..=20).rev().map(Duration::from_millis).collect()).unwrap();
        let percentiles = [0, 50, 99, 100].map(|percent| times.percentile(percent).as_millis());
        assert_eq!((times.count(), percentiles), (20, [1, 10, 20, 20]));
        assert_eq!(times.median().as_millis(), 10);
        assert!(Times::new(Vec::new()).is_err());
    }

    #[test]
    fn numbers_and_sizes_are_for_reading() {
        let numbers = [0.4, 999.0, 1_000.0, 1_234_567.8].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,568"]);
        assert_eq!(megabytes(1_540_000), "1.5 MB");
    }
}
