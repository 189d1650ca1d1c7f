//! Tables that read well both on a terminal and as Markdown.

use std::fmt;

/// Rows of texts below a head. Numbers stand to the right: every column but the first.
pub(crate) struct Table<const COLUMNS: usize> {
    /// The head first.
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table without rows.
    pub(crate) fn new(head: [&str; COLUMNS]) -> Self {
        Self { rows: vec![head.map(str::to_owned)] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    fn widths(&self) -> [usize; COLUMNS] {
        std::array::from_fn(|column| {
            let widths = self.rows.iter().map(|row| row[column].chars().count());
            // A rule of Markdown is three characters wide at least.
            widths.max().unwrap_or_default().max(3)
        })
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(formatter, "| {cell:<width$} ")?,
                    _ => write!(formatter, "| {cell:>width$} ")?,
                }
            }
            writeln!(formatter, "|")?;
            if number == 0 {
                for (column, &width) in widths.iter().enumerate() {
                    match column {
                        0 => write!(formatter, "|:{:-<width$}-", "")?,
                        _ => write!(formatter, "|-{:-<width$}:", "")?,
                    }
                }
                writeln!(formatter, "|")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["What", "ms"]);
        table.row(["start".to_owned(), "7".to_owned()]);
        table.row(["µs".to_owned(), "1,000".to_owned()]);
        let lines: Vec<_> = table.to_string().lines().map(str::to_owned).collect();
        let expected =
            ["| What  |    ms |", "|:------|------:|", "| start |     7 |", "| µs    | 1,000 |"];
        assert_eq!(lines, expected);
    }
}
