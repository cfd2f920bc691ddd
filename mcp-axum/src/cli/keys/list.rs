//! Keys as a table.

use crate::cli::{
    Failure,
    output::{OutputFormat, print, print_json, table},
    place::Stored,
};
use mcp_common::{
    definition::{
        ApiKeyDefinition,
        api_key::{ApiKeyStatus, Timestamp},
        role::ADMIN_ROLE,
    },
    document::Document,
    key::Key,
};
use std::time::SystemTime;

pub(super) fn print_list(
    all: &[Stored],
    include_inactive: bool,
    format: OutputFormat,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let shown: Vec<(&Document, Row)> = all
        .iter()
        .map(|stored| (&stored.document, Row::of(&stored.key, &stored.document, now)))
        .filter(|(_, row)| include_inactive || matches!(row.state, "active" | "unreadable"))
        .collect();
    match format {
        OutputFormat::Json => print_json(&shown.iter().map(|(document, _)| document).collect::<Vec<_>>()),
        OutputFormat::Text if shown.is_empty() => print("no keys\n"),
        OutputFormat::Text => {
            let head = ["ID", "NAME", "STATE", "OPENS", "ROLES", "CREATED", "ENDS"];
            let rows = shown.into_iter().map(|(_, row)| row.cells());
            print(&table(&head, rows))
        }
    }
}

struct Row {
    id: String,
    name: String,
    state: &'static str,
    opens: String,
    roles: String,
    created: String,
    ends: String,
}

impl Row {
    fn of(key: &Key, document: &Document, now: SystemTime) -> Self {
        let nothing = || "-".to_owned();
        let mut row = Self {
            id: key.id.to_string(),
            name: nothing(),
            state: "unreadable",
            opens: nothing(),
            roles: nothing(),
            created: nothing(),
            ends: nothing(),
        };
        let Ok(read) = ApiKeyDefinition::read(&key.id, document) else {
            return row;
        };
        let key = read.definition;
        let ends: Vec<Option<SystemTime>> = key.secrets.iter().map(|secret| key.end_of(secret)).collect();
        // The secret that lasts longest is what counts.
        let end = match ends.iter().any(Option::is_none) {
            true => None,
            false => ends.into_iter().flatten().max(),
        };
        row.state = match key.status {
            ApiKeyStatus::Inactive => "inactive",
            ApiKeyStatus::Active if end.is_some_and(|end| end <= now) => "ended",
            ApiKeyStatus::Active => "active",
        };
        let listed = |items: Vec<&str>| match items.is_empty() {
            true => nothing(),
            false => items.join(","),
        };
        row.opens = match key.roles.iter().any(|role| role == ADMIN_ROLE) {
            true => "*".to_owned(),
            false => listed(key.instances.iter().map(|pattern| &*pattern.0).collect()),
        };
        row.roles = listed(key.roles.iter().map(String::as_str).collect());
        let created = key.secrets.iter().filter_map(|secret| secret.created_at).max();
        row.created = created.map_or_else(nothing, |at| at.to_string());
        row.ends = end.map_or_else(nothing, |end| Timestamp(end).to_string());
        row.name = key.name.as_deref().map_or_else(nothing, str::to_owned);
        row
    }

    fn cells(self) -> Vec<String> {
        let Self {
            id,
            name,
            state,
            opens,
            roles,
            created,
            ends,
        } = self;
        vec![id, name, state.to_owned(), opens, roles, created, ends]
    }
}
