//! Bringing what a store keeps (tables, triggers) up to date with this version of the program.

use serde::Serialize;

/// Whether pending migrations are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Carries them out.
    Apply,
    /// Migrations are only listed; nothing is written.
    Check,
}

/// What was found in a store, and what was done or is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// Which store, in words for the operator: a database and its server, or a file. Holds no password.
    pub store: String,
    /// The version of the schema that was found; `None` where there was none, or an unfinished one.
    pub found: Option<i64>,
    /// The version that this program works with.
    pub wanted: i64,
    /// What was done, or with [`Migrate::Check`] is to do, in order. Empty: the store is up to date.
    pub steps: Vec<String>,
}
