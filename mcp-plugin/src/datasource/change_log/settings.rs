//! The settings that both servers take.

use super::Migrations;
use mcp_common::{
    plugin::{PluginError, Settings, Table},
    secret::Secret,
};
use std::time::Duration;

/// A database server as the configuration names it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Holds the password.
    pub url: Secret,
    /// Connections at most, beside one for each watch.
    pub pool: u32,
    /// How often to look for changes.
    pub poll: Duration,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// How many revisions of a key are kept.
    pub history: u32,
    /// Who makes the tables.
    pub migrate: Migrations,
}

/// Reads `data_source.<name>`; only `url` has no default.
pub(crate) fn read(
    path: &'static str,
    example: &str,
    poll_ms: u64,
    settings: &Settings,
) -> Result<Server, PluginError> {
    let table = Table::new(
        path,
        settings,
        &["url", "pool", "poll_ms", "timeout_ms", "history", "migrate"],
    )?;
    let Some(url) = table.text("url")? else {
        return Err(table.wrong("url", format!("is not set; expected a text like `{example}`")));
    };
    Ok(Server {
        url: url.into(),
        pool: table.number("pool", 1..=100, 4)?,
        poll: Duration::from_millis(table.number("poll_ms", 10..=60_000, poll_ms)?),
        timeout: Duration::from_millis(table.number("timeout_ms", 100..=600_000, 10_000)?),
        history: table.number("history", 1..=10_000, 50)?,
        migrate: Migrations::read(&table)?,
    })
}
