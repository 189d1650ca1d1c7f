//! How far apart the points of a query are: Grafana's arithmetic, so that a dashboard shows the
//! same points as before.

use std::time::Duration;

use graft_guest::{Configured, Query, Refusal};

use crate::duration;
use crate::model::Model;
use crate::settings::Settings;

#[cfg(test)]
mod tests;

/// No series may have more points: Prometheus refuses a query with more.
const POINTS_MAX: u32 = 11_000;

/// A rate over fewer scrapes than this has gaps where one is late or missing.
const RATE_SCRAPES: u32 = 4;

/// Intervals that read well: up to the first number of milliseconds, take the second.
const ROUND_MILLISECONDS: [(u64, u64); 27] = [
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
];

/// The distances that a query is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// The distance between points; above zero.
    pub(crate) step: Duration,
    /// How far back a rate looks.
    pub(crate) rate_interval: Duration,
    /// The length of the time range.
    pub(crate) range: Duration,
}

/// The smallest step that a query wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MinimalStep {
    /// None of its own.
    Unset,
    /// `$__interval`: whatever the step turns out to be.
    Interval,
    /// `$__rate_interval`: the step is as long as a rate looks back.
    RateInterval,
    /// This.
    Fixed(Duration),
}

impl Timing {
    /// The distances of a query.
    ///
    /// # Errors
    /// If the query's smallest step, or the data source's scrape interval, is no duration.
    pub(crate) fn of(
        query: &Query<Model>,
        datasource: &Configured<Settings>,
    ) -> Result<Self, Refusal> {
        let model = &query.model;
        let minimal_step = MinimalStep::read(&model.interval)?;
        let scrape_interval = datasource.settings.scrape_interval()?;
        let length = query.time_range.to.saturating_sub(query.time_range.from);
        let range = Duration::from_nanos(u64::try_from(length).unwrap_or(0));

        let suggested = Duration::from_millis(u64::try_from(model.interval_ms).unwrap_or(0));
        let at_least = match minimal_step {
            MinimalStep::Fixed(duration) => duration,
            _ if !suggested.is_zero() => suggested,
            _ => scrape_interval,
        };
        let fitting = range / query.max_data_points.max(1);
        let wanted = if fitting < at_least { at_least } else { round(fitting) };
        // Shorter than a millisecond Prometheus cannot step.
        let interval = wanted.max(round(range / POINTS_MAX)).max(Duration::from_millis(1));

        let factor = u32::try_from(model.interval_factor.max(1)).unwrap_or(u32::MAX);
        let step = match minimal_step {
            MinimalStep::RateInterval => rate_interval(interval, scrape_interval),
            _ => interval.saturating_mul(factor),
        };
        let rate_interval = match minimal_step {
            MinimalStep::RateInterval => step,
            MinimalStep::Interval => rate_interval(query.interval, step),
            MinimalStep::Fixed(duration) => rate_interval(query.interval, duration),
            MinimalStep::Unset => rate_interval(query.interval, scrape_interval),
        };
        Ok(Self { step, rate_interval, range })
    }
}

impl MinimalStep {
    fn read(text: &str) -> Result<Self, Refusal> {
        let variable = text
            .strip_prefix("${__")
            .and_then(|name| name.strip_suffix('}'))
            .or_else(|| text.strip_prefix("$__"));
        match variable {
            Some("interval" | "interval_ms") => return Ok(Self::Interval),
            Some("rate_interval" | "rate_interval_ms") => return Ok(Self::RateInterval),
            _ if text.is_empty() => return Ok(Self::Unset),
            _ => {}
        }
        match duration::parse(text) {
            // Grafana once saved this where the user had left the field empty.
            Some(Duration::ZERO) => Ok(Self::Unset),
            Some(duration) => Ok(Self::Fixed(duration)),
            None => Err(Refusal::BadQuery(format!(
                "The query's min step (`interval`) is {text:?}, which is no duration. Change it to \
                 one like '15s' or '1m', or leave it empty."
            ))),
        }
    }
}

/// How far back a rate has to look so that it has enough scrapes at every point.
fn rate_interval(interval: Duration, scrape_interval: Duration) -> Duration {
    let enough = scrape_interval.saturating_mul(RATE_SCRAPES);
    interval.saturating_add(scrape_interval).max(enough)
}

/// The nearest interval that reads well, mostly a shorter one.
fn round(interval: Duration) -> Duration {
    const WEEK: u64 = 604_800_000;
    let milliseconds = |number| Duration::from_millis(number);
    let found = ROUND_MILLISECONDS.iter().find(|(limit, _)| interval <= milliseconds(*limit));
    milliseconds(match found {
        Some((_, rounded)) => *rounded,
        None if interval <= milliseconds(3 * WEEK) => WEEK,
        None if interval < milliseconds(6 * WEEK) => 30 * 86_400_000,
        None => 365 * 86_400_000,
    })
}

/// The last point in time, not after this one, that is a multiple of the step on a clock that is
/// this far ahead of UTC. Prometheus' caches need it, and a graph keeps its shape while it moves.
pub(crate) fn align(nanoseconds: i64, step: Duration, utc_offset_seconds: i64) -> i128 {
    let step = i128::try_from(step.as_nanos()).unwrap_or(i128::MAX).max(1);
    let offset = i128::from(utc_offset_seconds) * 1_000_000_000;
    (i128::from(nanoseconds) + offset).div_euclid(step) * step - offset
}
