//! Columns that are as wide as what is in them.

use std::fmt;

/// Rows of texts; the last column may be of any length.
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Default for Table<N> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<const N: usize> Table<N> {
    pub(super) fn row(&mut self, row: [String; N]) {
        self.rows.push(row);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max();
        for row in &self.rows {
            let mut line = "  ".to_owned();
            for (column, text) in row.iter().enumerate() {
                let gap = width(column).unwrap_or(0) - text.chars().count() + 2;
                line.push_str(text);
                line.push_str(&" ".repeat(gap));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
