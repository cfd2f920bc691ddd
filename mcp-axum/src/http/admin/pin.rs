//! What of an upstream's tools nobody has approved (`GET /admin/uds/{id}/drift`), and the approval (`POST …/approve`).

use super::{
    envelope::Success,
    history::diff::Change,
    keys::{read, shown, stored, write},
    parameters::Target,
    upstreams::missing,
};
use crate::{
    app::App,
    http::error::{Error, Result},
};
use axum::{
    Extension,
    extract::{Request, State},
};
use mcp_common::{authenticator::Principal, document::Document, key::Key};
use mcp_core::{
    authoring::{compare, writer::Expectation},
    upstream::{Drift, Drifted},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use utoipa::ToSchema;

/// A tool that is not as it was approved.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DriftedTool {
    /// What the server calls it.
    #[schema(value_type = String, example = "get_forecast")]
    tool: Arc<str>,
    /// `new`: nobody approved it; `changed`: it says or takes something else; `gone`: the server does not have it any more.
    #[schema(example = "changed")]
    what: &'static str,
    /// Whether it is neither listed nor called for this (`pin.mode: enforce`).
    held_back: bool,
    /// The digest that was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<String>,
    /// The digest of what it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Box<str>>,
    /// Its entry in the server's list as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    now: Option<Box<RawValue>>,
    /// What differs from the entry that was approved; absent where this gateway has not seen that.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change>>,
}

/// The body of an approval. Without one, all tools are approved as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Approval {
    /// Which tools, by the server's names, each with the digest that was looked at (`found`), or `null` for whatever it is now. Approvals of tools that
    /// are gone are taken back. All, where nothing is said.
    #[schema(example = json!({"get_forecast": "sha256:…"}))]
    tools: Option<BTreeMap<String, Option<String>>>,
    /// What happens to tools that nobody approved from now on: `off`, `warn` or `enforce`. What it is, where nothing is said; `warn` where that is
    /// nothing, either.
    #[schema(example = "enforce")]
    mode: Option<String>,
}

/// What nobody has approved.
pub(super) async fn drift(
    State(app): State<Arc<App>>,
    Target(key): Target,
) -> Result<Success<Vec<DriftedTool>>> {
    let drift = app.hub.drift(&key.id).ok_or_else(|| missing(&app, &key))?;
    Ok(Success::new(drift.into_iter().map(DriftedTool::from).collect()))
}

/// Approves tools as they are, by writing their digests into the document.
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<Document>> {
    let approval: Approval = read(&app, request).await?;
    let entry = stored(&app, &key)?;
    let mut document = entry.document;
    let pin = pinned(&app, &key, &document, &approval)?;
    document.set("pin", &pin);
    let written = write(
        &app,
        &key,
        &document,
        Expectation::Revision(entry.revision),
        false,
        &principal,
    )
    .await?;
    let document = shown(&app, &key, &document, written.revision);
    Ok(Success::new(document)
        .revision(written.revision)
        .warnings(written.warnings))
}

/// The member `pin` as it is to be.
fn pinned(app: &App, key: &Key, document: &Document, approval: &Approval) -> Result<Map<String, Value>> {
    let offer = app.hub.offer(&key.id).ok_or_else(|| missing(app, key))?;
    let inventory = offer
        .inventory
        .ok_or_else(|| Error::conflict(format!("{key} was never there, so there is nothing to approve")))?;
    let before = document.get("pin").map(RawValue::get).unwrap_or("{}");
    // It was read before, or it would not be served.
    let mut pin: Map<String, Value> = serde_json::from_str(before).unwrap_or_default();
    let mut tools = match pin.remove("tools") {
        Some(Value::Object(tools)) => tools,
        _ => Map::new(),
    };
    let names: BTreeSet<String> = match &approval.tools {
        Some(named) => named.keys().cloned().collect(),
        None => {
            let listed = inventory.tools.iter().map(|tool| tool.name.to_string());
            listed.chain(tools.keys().cloned()).collect()
        }
    };
    for name in names {
        let looked_at = approval
            .tools
            .as_ref()
            .and_then(|named| named.get(&name)?.as_deref());
        match (inventory.tool(&name), looked_at) {
            (Some(tool), Some(seen)) if seen != &*tool.digest => {
                return Err(Error::conflict(format!(
                    "tools.{name}: it is another one by now than what was looked at: it has the digest {}",
                    tool.digest
                )));
            }
            (Some(tool), _) => drop(tools.insert(name, json!(tool.digest))),
            (None, _) if tools.remove(&name).is_some() => {}
            (None, _) => {
                let text = format!("tools.{name}: {key} has no such tool, and none was approved");
                return Err(Error::bad_request(text));
            }
        }
    }
    if let Some(mode) = &approval.mode {
        pin.insert("mode".to_owned(), json!(mode));
    }
    pin.entry("mode").or_insert_with(|| json!("warn"));
    pin.insert("tools".to_owned(), tools.into());
    Ok(pin)
}

impl From<Drift> for DriftedTool {
    fn from(drift: Drift) -> Self {
        let entry = |listing: &str| RawValue::from_string(listing.to_owned()).ok();
        let before = drift.before.and_then(|tool| entry(tool.as_it_came()));
        let now = drift.after.as_ref().and_then(|tool| entry(tool.as_it_came()));
        let changes = match drift.what {
            Drifted::Changed => before.as_deref().map(|before| {
                let changes = compare::differences(Some(before), now.as_deref());
                changes.into_iter().map(Change::from).collect()
            }),
            Drifted::New | Drifted::Gone => None,
        };
        Self {
            tool: drift.tool,
            what: drift.what.as_str(),
            held_back: drift.is_held_back,
            approved: drift.approved,
            found: drift.after.map(|tool| tool.digest.clone()),
            now,
            changes,
        }
    }
}
