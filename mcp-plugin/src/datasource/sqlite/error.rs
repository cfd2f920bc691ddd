//! SQLite's errors in words that say where and what to do.

use super::{TABLE, connect::Place};
use crate::datasource::change_log::outdated;
use mcp_common::{datasource::SourceError, plugin::PluginError};
use sqlx::migrate::MigrateError;
use std::{io, path::Path};

/// Why the file could not be opened or prepared.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The schema is of a later version.
    #[error("the schema has version {0}")]
    Newer(i64),
    /// The schema is of an earlier version, or there is none, and we are not to change that.
    #[error("the schema is not up to date")]
    Outdated { found: Option<i64>, wanted: i64 },
    #[error("{0}")]
    Damaged(String),
    #[error("{0}")]
    Foreign(String),
}

/// What SQLite's primary result codes mean for us (https://www.sqlite.org/rescode.html).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Busy,
    ReadOnly,
    Full,
    CannotOpen,
    Damaged,
    NotADatabase,
    InputOutput,
    Other,
}

fn meaning(error: &sqlx::Error) -> Meaning {
    let code = error
        .as_database_error()
        .and_then(|e| e.code())
        .and_then(|code| code.parse::<u32>().ok());
    match code.map(|extended| extended & 0xff) {
        Some(5 | 6) => Meaning::Busy,
        Some(8) => Meaning::ReadOnly,
        Some(10) => Meaning::InputOutput,
        Some(11) => Meaning::Damaged,
        Some(13) => Meaning::Full,
        Some(14) => Meaning::CannotOpen,
        Some(26) => Meaning::NotADatabase,
        _ => Meaning::Other,
    }
}

/// The SQL error inside, if it is one.
fn sql(fault: &Fault) -> Option<&sqlx::Error> {
    match fault {
        Fault::Sql(error)
        | Fault::Migrate(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Some(error)
        }
        _ => None,
    }
}

/// `true` where another process was in the way and the next attempt may succeed.
pub(super) fn passes(fault: &Fault) -> bool {
    let made_meanwhile = |error: &sqlx::Error| {
        error.as_database_error().is_some_and(|e| {
            e.is_unique_violation()
                || e.message().contains("already exists")
                || e.message().contains("duplicate column")
        })
    };
    sql(fault).is_some_and(|error| meaning(error) == Meaning::Busy || made_meanwhile(error))
}

impl Place {
    fn file(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    fn setting(&self, reason: String) -> PluginError {
        PluginError::Setting {
            key: format!("{TABLE}.path"),
            reason,
        }
    }

    pub(super) fn bad_directory(&self, directory: &Path, error: &io::Error) -> PluginError {
        self.setting(format!(
            "the directory `{}` cannot be made ({error}); make it, or set another path",
            directory.display()
        ))
    }

    /// One line for the operator who starts the gateway.
    pub(super) fn start_error(&self, fault: &Fault) -> PluginError {
        if let Fault::Outdated { found, wanted } = fault {
            return PluginError::Setting {
                key: format!("{TABLE}.migrate"),
                reason: outdated(&self.to_string(), *found, *wanted),
            };
        }
        let file = self.file();
        if let Some(error) = sql(fault) {
            return self.setting(match meaning(error) {
                Meaning::Busy => {
                    format!("`{file}` stayed locked by another process; end that one's transaction and start again")
                }
                Meaning::ReadOnly => {
                    format!("`{file}` is read-only; give this user the right to write it and its directory")
                }
                Meaning::CannotOpen => format!(
                    "`{file}` cannot be opened or made; it must be a file, and this user must be able to write \
                     it and its directory"
                ),
                Meaning::Damaged => damaged(&file.to_string(), error),
                Meaning::NotADatabase => {
                    format!("`{file}` is not a SQLite database; move it away, or set another path")
                }
                Meaning::Full => format!("`{file}` cannot be written, the disk is full; free some space"),
                Meaning::InputOutput => format!(
                    "`{file}` cannot be used: {}; look at its disk (full, read-only or failing) and at the system's log",
                    text(error)
                ),
                Meaning::Other => format!("`{file}` cannot be used: {}", text(error)),
            });
        }
        self.setting(match fault {
            Fault::Damaged(what) => damaged(&file.to_string(), what),
            Fault::Newer(version) => format!(
                "`{file}` was written by a newer version of DynMCP (schema {version}); start that one, or set another \
                 path"
            ),
            other => format!("`{file}` cannot be used: {other}"),
        })
    }

    /// While running.
    pub(super) fn source_error(&self, error: &sqlx::Error) -> SourceError {
        let file = self.file();
        match meaning(error) {
            Meaning::Busy => SourceError::Unavailable(format!("`{file}` stayed locked by another process")),
            Meaning::ReadOnly => SourceError::ReadOnly(format!("`{file}` cannot be written by this user")),
            Meaning::Full => {
                SourceError::Full(format!("the disk of `{file}` is full; free some space there"))
            }
            Meaning::CannotOpen => SourceError::Unavailable(format!("`{file}` cannot be opened")),
            Meaning::Damaged => SourceError::Broken(damaged(&file.to_string(), error)),
            Meaning::NotADatabase => SourceError::Broken(format!("`{file}` is no longer a SQLite database")),
            Meaning::InputOutput => SourceError::Unavailable(format!(
                "`{file}`: {}; look at its disk (full, read-only or failing) and at the system's log",
                text(error)
            )),
            Meaning::Other if matches!(error, sqlx::Error::Database(_)) => {
                SourceError::Broken(format!("`{file}`: {}", text(error)))
            }
            Meaning::Other => SourceError::Unavailable(format!("`{file}`: {error}")),
        }
    }
}

/// SQLite's own limit for one value, `SQLITE_MAX_LENGTH`.
pub(super) const LARGEST: usize = 1_000_000_000;

fn damaged(file: &str, what: impl std::fmt::Display) -> String {
    let what = what.to_string().replace('\n', " ");
    format!(
        "`{file}` is damaged ({what}); put a backup in its place, or save what is left with `sqlite3 {file} .recover`"
    )
}

fn text(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .map_or_else(|| error.to_string(), |e| e.message().to_owned())
}
