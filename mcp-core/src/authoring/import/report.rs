//! What an import comes to, for the person who asked for it.

use crate::authoring::{
    change_plan::{Finding, InstanceNotice, Skipped},
    counted::counted,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Ids of definitions, and what could not be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The instance that the tools are in.
    pub instance: String,
    /// New tools.
    pub created: Vec<String>,
    /// Tools whose operation changed since the last import.
    pub changed: Vec<String>,
    /// Tools that are as they were.
    pub unchanged: Vec<String>,
    /// Tools that were deleted, because their operation is gone and `prune` was asked for.
    pub removed: Vec<String>,
    /// The tools whose operation is gone; `prune` deletes them.
    pub disappeared: Vec<String>,
    /// Operations without a tool.
    pub skipped: Vec<Skipped>,
    /// Definitions that are left as they are stored, because both sides changed.
    pub conflicts: Vec<Conflict>,
    /// What somebody should look at, such as credentials to fill in.
    pub notes: Vec<String>,
    /// What is odd about a definition without being wrong.
    #[serde(default)]
    pub warnings: Vec<Finding>,
    /// What clients will notice, by instance.
    #[serde(default)]
    pub clients: Vec<InstanceNotice>,
    /// Something that works for a client today will not.
    #[serde(default)]
    pub breaking: bool,
}

/// A definition that was not written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The id of the stored definition.
    pub id: String,
    /// The operation as the description names it.
    pub operation: String,
    /// What is in the way and what to do.
    pub reason: String,
}

/// Lines for a terminal.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "instance {}: {} created, {} changed, {} unchanged, {} removed, {} skipped, {}",
            self.instance,
            self.created.len(),
            self.changed.len(),
            self.unchanged.len(),
            self.removed.len(),
            self.skipped.len(),
            counted(self.conflicts.len(), "conflict")
        )?;
        let lists = [
            ("+", &self.created),
            ("~", &self.changed),
            ("-", &self.removed),
            ("? operation is gone:", &self.disappeared),
        ];
        for (sign, ids) in lists {
            for id in ids {
                writeln!(f, "  {sign} {id}")?;
            }
        }
        for Skipped { operation, reason } in &self.skipped {
            writeln!(f, "  skipped {operation}: {reason}")?;
        }
        for Conflict {
            id,
            operation,
            reason,
        } in &self.conflicts
        {
            writeln!(f, "  conflict {id} ({operation}): {reason}")?;
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        for finding in &self.warnings {
            writeln!(f, "  warning: {finding}")?;
        }
        if !self.clients.is_empty() {
            let mark = if self.breaking { " BREAKING" } else { "" };
            writeln!(f, "what clients will notice:{mark}")?;
        }
        self.clients.iter().try_for_each(|notice| notice.without_new(f))
    }
}
