//! What of an upstream's tools is not as it was when somebody approved it.

use super::inventory::{Inventory, RemoteTool};
use mcp_common::definition::UpstreamDefinition;
use std::{collections::BTreeMap, sync::Arc};

/// One tool that is not as it was approved.
#[derive(Clone, Debug)]
pub struct Drift {
    /// What the server calls it.
    pub tool: Arc<str>,
    /// What happened.
    pub what: Drifted,
    /// The digest that was approved; `None` for a new one.
    pub approved: Option<String>,
    /// As it was approved, if this gateway has seen that.
    pub before: Option<Arc<RemoteTool>>,
    /// As it is; `None` for one that is gone.
    pub after: Option<Arc<RemoteTool>>,
    /// Whether it is neither listed nor called for this.
    pub is_held_back: bool,
}

/// How a tool differs from what was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drifted {
    /// Nobody approved it.
    New,
    /// It says or takes something else.
    Changed,
    /// The server does not have it any more.
    Gone,
}

impl Drifted {
    /// In one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// In the server's order; those that are gone come last. What the definition does not show anyway is not looked at.
pub(super) fn drift(
    definition: &UpstreamDefinition,
    inventory: &Inventory,
    approved: &BTreeMap<Arc<str>, Arc<RemoteTool>>,
) -> Vec<Drift> {
    let pin = &definition.pin;
    let shown = inventory
        .tools
        .iter()
        .filter(|tool| definition.tools.shows(&tool.name) && !pin.is_approved(&tool.name, &tool.digest));
    let found = shown.map(|tool| {
        let pinned = pin.tools.get(&tool.name);
        Drift {
            tool: tool.name.clone(),
            what: match pinned {
                Some(_) => Drifted::Changed,
                None => Drifted::New,
            },
            approved: pinned.map(|digest| digest.0.clone()),
            before: approved.get(&tool.name).cloned(),
            after: Some(tool.clone()),
            is_held_back: !pin.shows(&tool.name, &tool.digest),
        }
    });
    let gone = pin
        .tools
        .iter()
        .filter(|(name, _)| inventory.tool(name).is_none());
    let gone = gone.map(|(name, digest)| Drift {
        tool: name.clone(),
        what: Drifted::Gone,
        approved: Some(digest.0.clone()),
        before: approved.get(name).cloned(),
        after: None,
        is_held_back: false,
    });
    found.chain(gone).collect()
}
