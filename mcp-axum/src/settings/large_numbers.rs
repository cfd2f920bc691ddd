//! Whole numbers that a file has and nobody can hold. A reader of TOML stops at the first of them, without a word of its key and before
//! anything else is looked at: so they are noted, and something stands in their place while the rest is read.

use super::{
    SettingsError, aggregator,
    display::{REDACTED, is_secret_at, touches_secret},
};
use std::{ops::Range, path::Path};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Tables of plugins, which take a number as text, too, and say what would be right with the number as it is written.
const OF_PLUGINS: [&str; 5] = [
    "data_source.",
    "authenticator.",
    "authorizer.",
    "discovery[",
    "register[",
];

/// Those of one file, in their order.
#[derive(Debug, Default)]
pub(super) struct LargeNumbers {
    file: String,
    numbers: Vec<LargeNumber>,
}

#[derive(Debug)]
struct LargeNumber {
    key: String,
    written: String,
    stand_in: String,
    line: usize,
    span: Range<usize>,
}

impl LargeNumber {
    fn is_meant_by(&self, problem: &SettingsError) -> bool {
        matches!(problem, SettingsError::Value { key, .. } if *key == self.key)
    }

    /// For people.
    fn shown(&self) -> &str {
        match touches_secret(&self.key) {
            true => REDACTED,
            false => &self.written,
        }
    }
}

impl LargeNumbers {
    /// None where the text is no TOML: then others say so.
    pub(super) fn find(file: &Path, text: &str) -> Self {
        let mut numbers = Vec::new();
        if !aggregator::is_yaml(file)
            && let Ok(table) = DeTable::parse(text)
        {
            of_table(text, "", table.get_ref(), &mut numbers);
        }
        // A table can be written in several places.
        numbers.sort_by_key(|number| number.span.start);
        Self {
            file: file.display().to_string(),
            numbers,
        }
    }

    /// The text without them, in which every line stays where it is.
    pub(super) fn replaced_in(&self, mut text: String) -> String {
        for number in self.numbers.iter().rev() {
            text.replace_range(number.span.clone(), &number.stand_in);
        }
        text
    }

    /// Says of each what is right for its key where that was found out by what stood in its place, or else what a file can hold. What
    /// may be a secret is not repeated.
    pub(super) fn tell(&self, problems: &mut Vec<SettingsError>) {
        for number in &self.numbers {
            let place = format!("{}:{}", self.file, number.line);
            if is_secret_at(&number.key) {
                // What was found out is about the number that stood in its place.
                problems.retain(|problem| !number.is_meant_by(problem));
                let reason =
                    format!("found a number (`{REDACTED}`), expected a text: put it into quotes ({place})");
                problems.push(SettingsError::value(&number.key, reason));
                continue;
            }
            let mut is_told = false;
            for problem in problems.iter_mut().filter(|problem| number.is_meant_by(problem)) {
                if let SettingsError::Value { reason, .. } = problem {
                    *reason = format!("{} ({place})", reason.replace(&number.stand_in, number.shown()));
                    is_told = true;
                }
            }
            if !is_told {
                let reason = format!(
                    "found the number `{}`, expected one from {} to {}, as files have them ({place})",
                    number.shown(),
                    i64::MIN,
                    i64::MAX
                );
                problems.push(SettingsError::value(&number.key, reason));
            }
        }
    }

    /// The same where nothing else is read.
    pub(super) fn refusal(&self) -> Option<SettingsError> {
        let mut problems = Vec::new();
        self.tell(&mut problems);
        (!problems.is_empty()).then(|| SettingsError::together(problems))
    }
}

fn of_table(text: &str, path: &str, table: &DeTable<'_>, found: &mut Vec<LargeNumber>) {
    for (name, value) in table {
        let name = name.get_ref();
        let key = if path.is_empty() {
            name.to_string()
        } else {
            format!("{path}.{name}")
        };
        of_value(text, key, value, found);
    }
}

fn of_value(text: &str, key: String, value: &Spanned<DeValue<'_>>, found: &mut Vec<LargeNumber>) {
    match value.get_ref() {
        DeValue::Table(table) => of_table(text, &key, table, found),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                of_value(text, format!("{key}[{index}]"), item, found);
            }
        }
        DeValue::Integer(number) if i64::from_str_radix(number.as_str(), number.radix()).is_err() => {
            let span = value.span();
            let written = text[span.clone()].to_owned();
            let is_of_plugin = OF_PLUGINS.iter().any(|table| key.starts_with(table));
            let stand_in = match (is_of_plugin, written.starts_with('-')) {
                (true, _) => format!("'{written}'"),
                (false, true) => i64::MIN.to_string(),
                (false, false) => i64::MAX.to_string(),
            };
            found.push(LargeNumber {
                line: text[..span.start].matches('\n').count() + 1,
                key,
                written,
                stand_in,
                span,
            });
        }
        _ => {}
    }
}
