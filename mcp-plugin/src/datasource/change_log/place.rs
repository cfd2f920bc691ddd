//! Which server and database, for error texts. Never holds the password.

use super::{Fault, Meaning, Patience, fault::outside_the_database, outdated, tls};
use mcp_common::{datasource::SourceError, plugin::PluginError};
use std::fmt;

/// A database on a server.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// `data_source.<name>`.
    pub(crate) table: &'static str,
    /// `host:port`, or a socket's path.
    pub(crate) server: String,
    pub(crate) database: String,
    pub(crate) user: String,
    /// How long it may stay silent.
    pub(crate) patience: Patience,
    /// What the URL calls what TLS needs.
    pub(crate) tls: &'static tls::Names,
    /// Reads the server's own error codes.
    pub(crate) meaning: fn(&dyn sqlx::error::DatabaseError) -> Meaning,
    /// The statement that gives the gateway's account its rights.
    pub(crate) grant: fn(&Place) -> String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database `{}` on {}", self.database, self.server)
    }
}

impl Place {
    pub(crate) fn meaning(&self, error: &sqlx::Error) -> Meaning {
        match error {
            sqlx::Error::Database(error) => (self.meaning)(&**error),
            other => outside_the_database(other),
        }
    }

    /// Waits for an answer, but not for ever.
    pub(crate) async fn ask<T, E: Into<Fault>>(
        &self,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, SourceError> {
        let answer = self.patience.in_time(asked).await;
        answer.map_err(|fault| self.source_error(fault))
    }

    /// Whether trying again may help.
    pub(crate) fn passes(&self, fault: &Fault) -> bool {
        match fault {
            Fault::Sql(error) => self.meaning(error).passes(),
            Fault::Silence | Fault::Unanswered | Fault::Cut => true,
            Fault::Newer(_) | Fault::Outdated { .. } | Fault::Foreign(_) => false,
        }
    }

    /// Whether somebody has to make room first.
    fn is_full(&self, fault: &Fault) -> bool {
        matches!(fault, Fault::Sql(error) if self.meaning(error) == Meaning::Full)
    }

    /// One line for the operator who starts the gateway.
    pub(crate) fn start_error(&self, fault: &Fault) -> PluginError {
        let key = match fault {
            Fault::Outdated { .. } => format!("{}.migrate", self.table),
            _ if self.is_of_the_url(fault) => format!("{}.url", self.table),
            _ => self.table.to_owned(),
        };
        PluginError::Setting {
            key,
            reason: self.explain(fault),
        }
    }

    /// Whether another URL would help: another server, database or account.
    fn is_of_the_url(&self, fault: &Fault) -> bool {
        match fault {
            Fault::Sql(error) => !matches!(
                self.meaning(error),
                Meaning::Schema | Meaning::TooLarge | Meaning::Other
            ),
            Fault::Silence | Fault::Unanswered | Fault::Cut => true,
            Fault::Newer(_) | Fault::Outdated { .. } | Fault::Foreign(_) => false,
        }
    }

    /// One line for the operator who runs a command that needs the server now.
    pub(crate) fn command_error(&self, fault: &Fault) -> PluginError {
        if self.passes(fault) {
            PluginError::Unavailable(format!("{}: {}", self.table, self.explain(fault)))
        } else {
            self.start_error(fault)
        }
    }

    /// While running.
    pub(crate) fn source_error(&self, fault: impl Into<Fault>) -> SourceError {
        let fault = fault.into();
        if self.is_full(&fault) {
            SourceError::Full(self.explain(&fault))
        } else if let Fault::Unanswered = fault {
            SourceError::InDoubt(self.explain(&fault))
        } else if self.passes(&fault) {
            SourceError::Unavailable(self.explain(&fault))
        } else if let Fault::Outdated { .. } = fault {
            SourceError::Broken(self.start_error(&fault).to_string())
        } else {
            SourceError::Broken(format!("{}: {}", self.table, self.explain(&fault)))
        }
    }

    fn explain(&self, fault: &Fault) -> String {
        match fault {
            Fault::Sql(error) => self.explain_sql(error),
            Fault::Silence => format!("{self} did not answer in time"),
            Fault::Unanswered => {
                format!("{self} did not answer a write in time")
            }
            Fault::Cut => format!("the connection to {self} was cut"),
            Fault::Newer(version) => format!(
                "{self} was written by a newer version of DynMCP (schema {version}); start that one, or use another \
                 database"
            ),
            Fault::Outdated { found, wanted } => outdated(&self.to_string(), *found, *wanted),
            Fault::Foreign(what) => format!("{self}: {what}"),
        }
    }

    fn explain_sql(&self, error: &sqlx::Error) -> String {
        let said = said(error);
        let user = &self.user;
        match self.meaning(error) {
            Meaning::Unreachable => format!("{self} cannot be reached ({said})"),
            Meaning::Passing => format!("{self} takes nothing now ({said})"),
            Meaning::Clash => format!("{self}: other writers were faster each time ({said})"),
            Meaning::Locked => format!(
                "{self}: another transaction holds the table; end it with COMMIT or ROLLBACK ({said})"
            ),
            Meaning::Full => format!("{self} has no space left ({said}); free some on the server's disk"),
            Meaning::ReadOnly => format!("{self} is read-only; connect to the primary server ({said})"),
            Meaning::Tls => format!(
                "no TLS connection to {} ({said}); {}",
                self.server,
                self.tls.advice(&said)
            ),
            Meaning::Login => format!(
                "{self} does not let user `{user}` in ({said}); check user name and password in the URL (special \
                 characters percent-encoded), from which hosts and with which certificate the user may connect, and \
                 whether the server wants TLS (`{}={}`)",
                self.tls.mode, self.tls.verified
            ),
            Meaning::UnknownDatabase => format!(
                "{} has no database `{}`; make it with CREATE DATABASE, or name another one in the URL",
                self.server, self.database
            ),
            Meaning::Rights => format!(
                "{self}: user `{user}` lacks a right ({said}); {}",
                (self.grant)(self)
            ),
            Meaning::Schema => format!(
                "{self}: the tables are not those that DynMCP makes ({said}); undo the change, or restore a backup"
            ),
            Meaning::TooLarge => format!("{self}: the document is too large for the server ({said})"),
            Meaning::TriggersForbidden => format!(
                "{self} writes a binary log and lets user `{user}` make no triggers ({said}); an administrator has to \
                 run `SET GLOBAL log_bin_trust_function_creators = 1`, or to start the gateway once with a user that \
                 may"
            ),
            Meaning::Other => format!("{self}: {said}"),
        }
    }
}

/// The error's own words in one line.
pub(crate) fn said(error: &sqlx::Error) -> String {
    let text = error
        .as_database_error()
        .map_or_else(|| error.to_string(), |e| e.message().to_owned());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
