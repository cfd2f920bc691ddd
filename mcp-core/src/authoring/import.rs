//! API descriptions become tool definitions: OpenAPI 3 and Swagger 2 documents, curl lines, Postman collections, HAR
//! files.
//!
//! Pure: text and what is stored go in, a [`Plan`] and a [`Report`] come out. Reading files, fetching URLs and writing
//! to a store is done by others, so that the admin API cannot be made to fetch anything.

mod argument_names;
mod arguments;
mod charset;
mod cost;
mod curl;
mod definition;
mod effort;
mod error;
mod given;
mod har;
#[cfg(test)]
mod hostile;
mod kept;
mod known_by;
mod name;
mod openapi;
mod options;
mod pattern;
mod postman;
mod progress;
mod prose;
mod reconcile;
mod report;
mod room;
mod sample;
mod text;
mod yaml;
mod yaml_paths;

pub use super::change_plan::Skipped;
use super::change_plan::{Plan, Stored};
use crate::json::place;
use definition::Draft;
use effort::Effort;
pub use error::ImportError;
pub use given::{GivenAuth, GivenHeader};
use kept::Kept;
pub use known_by::known_by;
pub use options::{Format, ImportOptions, Limits};
pub use pattern::{Pattern, Rename};
pub use progress::Progress;
pub use report::{Conflict, Report};
pub use room::Room;
use std::collections::HashSet;
pub use text::yaml_value;

/// More than anybody reads.
const MAX_NOTES: usize = 100;

/// Reads `text` and works out what has to be written so that the store has its operations as tools of an instance.
/// Nothing is written. `stored` is everything that the store has.
pub fn import(
    format: Format,
    text: &str,
    options: &ImportOptions,
    stored: &Stored,
) -> Result<(Plan, Report), ImportError> {
    options.check()?;
    let kept = Kept::find(format, options, stored);
    let imported = match format {
        Format::OpenApi => openapi::read(text, options, &kept)?,
        Format::Curl => curl::read(text, options, &kept)?,
        Format::Postman => postman::read(text, options, &kept)?,
        Format::Har => har::read(text, options, &kept)?,
    };
    Ok(reconcile::reconcile(format, imported, options, stored))
}

/// What a description has, before it meets what is stored.
#[derive(Debug)]
struct Imported {
    /// Of the API, for the instance and for `source.url` where nobody named one.
    title: String,
    description: Option<String>,
    drafts: Vec<Draft>,
    skipped: Vec<Skipped>,
    /// Operations that the options leave out.
    left_out: Vec<String>,
    /// Operations that have a draft or are left out: of several samples the first one speaks for all.
    spoken_for: HashSet<String>,
    /// Operations that are skipped.
    told: HashSet<String>,
    notes: Vec<String>,
    effort: Effort,
    /// Of every tool, whatever the description says.
    auth: Option<GivenAuth>,
    headers: Vec<GivenHeader>,
}

impl Imported {
    fn new(options: &ImportOptions) -> Self {
        Self {
            title: String::new(),
            description: None,
            drafts: Vec::new(),
            skipped: Vec::new(),
            left_out: Vec::new(),
            spoken_for: HashSet::new(),
            told: HashSet::new(),
            notes: Vec::new(),
            effort: Effort::new(options),
            auth: options.auth.clone(),
            headers: options.headers.clone(),
        }
    }

    /// A tool, if there is room for one more.
    fn add(&mut self, mut draft: Draft) {
        if let Some(auth) = &self.auth {
            draft.auth = auth.value();
        }
        for header in &self.headers {
            header.add_to(&mut draft.headers);
        }
        match self.effort.take(&draft) {
            Ok(()) => {
                self.spoken_for.insert(draft.operation.clone());
                self.drafts.push(draft);
            }
            Err(reason) => self.skip(draft.operation, reason),
        }
    }

    fn skip(&mut self, operation: impl Into<String>, reason: impl Into<String>) {
        let operation = operation.into();
        self.told.insert(operation.clone());
        self.skipped.push(Skipped {
            operation,
            reason: reason.into(),
        });
    }

    /// The same, unless it is skipped already.
    fn skip_once(&mut self, operation: String, reason: String) {
        if !self.told.contains(&operation) {
            self.skip(operation, reason);
        }
    }

    /// The options leave it out.
    fn leave_out(&mut self, operation: String) {
        self.spoken_for.insert(operation.clone());
        self.left_out.push(operation);
    }

    fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }
}

/// Why one operation has no tool.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unmappable(String);

impl Unmappable {
    fn at(place: impl std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self(format!("{place}: {reason}"))
    }
}
