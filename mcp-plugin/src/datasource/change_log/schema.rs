//! Who brings the schema up to date, and what is said of it.

use super::leases::STEP;
use mcp_common::{
    migration::Migration,
    plugin::{PluginError, Table},
};

/// Whether a gateway brings the schema up to date (`migrate`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Migrations {
    /// When it opens the store.
    #[default]
    AtStart,
    /// `dynmcp migrate` does; the gateway's account needs no right to make tables.
    Never,
}

impl Migrations {
    /// The setting `migrate`.
    pub(crate) fn read(table: &Table<'_>) -> Result<Self, PluginError> {
        match table.text("migrate")? {
            None | Some("start") => Ok(Self::AtStart),
            Some("never") => Ok(Self::Never),
            Some(other) => {
                let reason = format!(
                    "expected `start` (the gateway brings the tables up to date) or `never` (`dynmcp migrate` does), \
                     not `{other}`"
                );
                Err(table.wrong("migrate", reason))
            }
        }
    }
}

/// What the store at `place` lacks while `migrate` is `never`.
pub(crate) fn outdated(place: &str, found: Option<i64>, wanted: i64) -> String {
    let has = match found {
        None => "has no complete tables of DynMCP".to_owned(),
        Some(version) => format!("has schema {version}, and this version of DynMCP works with {wanted}"),
    };
    format!(
        "is `never`, but {place} {has}; run `dynmcp migrate` with an account that may make tables, or set this to `start`"
    )
}

/// The schema as it was found, and what was done about it or is to do.
#[derive(Debug)]
pub(crate) struct Migrated {
    pub(crate) found: Option<i64>,
    pub(crate) steps: Vec<String>,
}

impl Migrated {
    /// A migration that has nothing to do.
    pub(crate) fn up_to_date(version: i64) -> Self {
        Self {
            found: Some(version),
            steps: Vec::new(),
        }
    }

    /// Where nothing else is to do, the table of entries that end is a step of its own; otherwise it is part of the rest.
    pub(crate) fn and_leases(&mut self, are_there: bool) {
        if self.steps.is_empty() && !are_there {
            self.steps.push(STEP.to_owned());
        }
    }

    /// Says what a gateway did when it started.
    pub(crate) fn log(&self) {
        for step in &self.steps {
            tracing::info!(step, "the tables are brought up to date");
        }
    }

    pub(crate) fn report(self, store: String, wanted: i64) -> Migration {
        Migration {
            store,
            found: self.found,
            wanted,
            steps: self.steps,
        }
    }
}
