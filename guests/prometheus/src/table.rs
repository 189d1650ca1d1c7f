//! Series as one table: a row for each sample, a column for each label.

use std::collections::BTreeSet;

use graft_guest::{Field, FieldConfig, Frame, Kind, TextsBuilder, Visualization};

use crate::frames::Framing;
use crate::response::Series;

/// The table: the time, the labels in the order in which series bring them, the value. Its rows
/// are in order of time.
pub(crate) fn frames(framing: &Framing<'_>, series: &[Series]) -> Vec<Frame> {
    if series.is_empty() {
        return Vec::new();
    }
    let rows = Rows::of(series);
    let mut fields = vec![framing.time("Time", rows.gather(series, |series| &series.times))];
    for name in label_names(series) {
        let mut texts = TextsBuilder::default();
        rows.each(series, |series, _row| texts.push(series.labels.get(&name).unwrap_or_default()));
        fields.push(Field::new(name, texts).config(FieldConfig::Filterable(true)));
    }
    fields.push(Field::new("Value", rows.gather(series, |series| &series.values)));
    let frame = Frame::new(Kind::Table).preferred_visualization(Visualization::Table);
    vec![frame.fields(fields)]
}

/// The names of all labels: each series' own by name, the first series' first.
fn label_names(series: &[Series]) -> Vec<String> {
    let (mut names, mut known) = (Vec::new(), BTreeSet::new());
    for name in series.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name)) {
        if known.insert(name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The order of the rows.
enum Rows {
    /// Series after series, which is in order of time already.
    InTurn,
    /// The series and the sample in it of each row.
    ByTime(Vec<(u32, u32)>),
}

impl Rows {
    fn of(series: &[Series]) -> Self {
        let times = series.iter().flat_map(|series| &series.times);
        if times.is_sorted() {
            return Self::InTurn;
        }
        let mut rows = Vec::with_capacity(series.iter().map(|series| series.times.len()).sum());
        for (index, series) in (0..).zip(series) {
            rows.extend((0..).zip(&series.times).map(|(row, _time)| (index, row)));
        }
        rows.sort_by_key(|(index, row)| series[*index as usize].times[*row as usize]);
        Self::ByTime(rows)
    }

    /// Visits the rows in order.
    fn each<'series>(
        &self,
        series: &'series [Series],
        mut visit: impl FnMut(&'series Series, usize),
    ) {
        match self {
            Self::InTurn => {
                for series in series {
                    (0..series.times.len()).for_each(|row| visit(series, row));
                }
            }
            Self::ByTime(rows) => {
                rows.iter().for_each(|(index, row)| visit(&series[*index as usize], *row as usize));
            }
        }
    }

    /// A column of all rows.
    fn gather<T: Copy>(&self, series: &[Series], column: impl Fn(&Series) -> &[T]) -> Vec<T> {
        let mut values = Vec::with_capacity(series.iter().map(|series| series.times.len()).sum());
        self.each(series, |series, row| values.push(column(series)[row]));
        values
    }
}
