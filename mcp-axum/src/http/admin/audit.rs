//! `GET /admin/audit`: the records of this replica's audit log, the latest first.

use super::{envelope::Success, page::LimitQuery, parameters::Parameters};
use crate::{
    app::App,
    audit::{Found, Wanted, read_time, search},
    http::error::{Error, Result},
};
use axum::extract::State;
use mcp_common::definition::upstream::Pattern;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{sync::Arc, time::SystemTime};
use utoipa::IntoParams;

/// Which records are wanted; all that is said has to hold.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Whose: the name of a caller, or the id of a key.
    #[param(example = "claude-support")]
    principal: Option<String>,
    /// In this instance.
    #[param(example = "support")]
    instance: Option<String>,
    /// Of this tool, with `*` for any text.
    #[param(example = "refund_*")]
    tool: Option<String>,
    /// Of this action, with `*` for any text.
    #[param(example = "admin/*")]
    action: Option<String>,
    /// `allow` or `refuse`.
    #[param(example = "refuse")]
    decision: Option<String>,
    /// From then on: RFC 3339, or how long ago.
    #[param(example = "1h")]
    since: Option<String>,
    /// Before then: RFC 3339, or how long ago.
    #[param(example = "2026-11-29T21:00:00Z")]
    until: Option<String>,
    /// Records at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<AuditQuery>,
) -> Result<Success<Vec<Box<RawValue>>>> {
    let audit = app.audit.as_ref().ok_or_else(|| {
        Error::not_found("there is no audit log: `audit.enabled` of the configuration makes one")
    })?;
    let (folder, wanted) = (audit.folder.clone(), query.read()?);
    let found = tokio::task::spawn_blocking(move || search(&folder, &wanted)).await;
    let found = found.map_err(|error| Error::internal(error.to_string()))?;
    let Found { records, before } = found.map_err(|error| Error::internal(error.to_string()))?;
    Ok(Success::new(records).next_cursor(before.map(|before| before.to_string())))
}

impl AuditQuery {
    fn read(self) -> Result<Wanted> {
        let before = self.cursor.map(|cursor| {
            cursor.parse().map_err(|_| {
                Error::bad_request("cursor: pass `next_cursor` as it came, or none to start over")
            })
        });
        if let Some(decision) = self.decision.as_deref()
            && !matches!(decision, "allow" | "refuse")
        {
            return Err(Error::bad_request(format!(
                "decision: `{decision}` is none; there are `allow` and `refuse`"
            )));
        }
        Ok(Wanted {
            principal: self.principal,
            instance: self.instance,
            tool: self.tool.map(Pattern),
            action: self.action.map(Pattern),
            decision: self.decision,
            since: time("since", self.since)?,
            until: time("until", self.until)?,
            before: before.transpose()?,
            limit: LimitQuery::of(self.limit).limit()?,
        })
    }
}

fn time(name: &str, text: Option<String>) -> Result<Option<SystemTime>> {
    let read = text.map(|text| read_time(&text)).transpose();
    read.map_err(|reason| Error::bad_request(format!("{name}: {reason}")))
}
