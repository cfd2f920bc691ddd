//! What a command prints when it is done.

use super::{Failure, foreign};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use std::{
    borrow::Cow,
    io::{ErrorKind, IsTerminal, Write},
};

/// For people or for programs.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    #[default]
    Text,
    Json,
}

/// For commands that do something, and say in a line what came of it.
#[derive(Args, Clone, Copy)]
pub(super) struct Saying {
    /// How to say what was done.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: OutputFormat,
}

impl Saying {
    /// The line for people, the value for programs.
    pub(super) fn say(self, line: &str, value: &Value) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Text => print(&format!("{line}\n")),
            OutputFormat::Json => print_json(value),
        }
    }
}

/// For commands that print JSON however they are asked, so that scripts may ask all commands alike.
#[derive(Args, Clone)]
pub(super) struct JsonAlways {
    /// What is printed is JSON, with this or without.
    #[arg(long, value_parser = ["json"], default_value = "json", hide_default_value = true)]
    format: String,
}

/// As it is, to standard output; where that is a terminal, nothing of it is meant to steer it.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    let text = match output.is_terminal() {
        true => Cow::Owned(foreign::text(text)),
        false => Cow::Borrowed(text),
    };
    match output.write_all(text.as_bytes()) {
        // Whoever reads it has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// As indented JSON, to standard output.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::runtime)?;
    print(&(foreign::json(&text) + "\n"))
}

/// Columns as wide as what stands in them, for people; whatever that is has no line of its own.
pub(super) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(|&name| name.to_owned()).collect();
    let rows = std::iter::once(head).chain(rows);
    let rows: Vec<Vec<String>> = rows
        .map(|row: Vec<String>| row.iter().map(|cell| foreign::line(cell)).collect())
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
