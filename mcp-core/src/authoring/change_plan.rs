//! What has to be written so that a store holds what somebody wants it to hold.
//!
//! Used by imports, and by definitions that are kept as files. A plan is made without writing anything: [`examine`]
//! says what it does and what clients will notice, [`Plan::preview`] looks at the whole that would result, and
//! [`Plan::apply`] writes it, each step only if nobody changed the definition since it was read.

mod apply;
mod difference;
mod digest;
mod examine;
mod holders;
mod notice;
mod report;
mod request;
mod stored;

use crate::tool::{StoredTool, ToolCompiler};
pub use apply::{Applied, ApplyError};
pub use difference::{ChangedValue, canonical, changed_members};
pub(crate) use digest::digest;
pub use examine::{Examined, examine};
pub use holders::HolderNotice;
use mcp_common::{
    catalog::{Catalog, Drafts, Preview, Proposed},
    definition::{UpstreamDefinition, upstream::UpstreamProtocol},
    document::Document,
    key::{Key, Kind, Revision},
};
pub use notice::{InstanceChange, InstanceNotice, ListSize, Notice, Renamed, ToolNotice, notices};
pub(crate) use report::name;
pub use report::{ChangedMembers, Finding, PlanReport, Skipped};
pub(crate) use request::owner;
pub use request::{DesiredDefinition, OWNER, PlanOptions, PlanRequest, Prune, SERVER_MAINTAINED};
pub use stored::{Stored, StoredDefinition};

/// One write.
#[derive(Clone, Debug)]
pub enum Step {
    /// Nothing is stored under the key.
    Create {
        /// The key under which it is stored.
        key: Key,
        /// The document.
        document: Document,
    },
    /// Something else is stored under the key.
    Update {
        /// The key under which it is stored.
        key: Key,
        /// The document.
        document: Document,
        /// The revision that is replaced.
        revision: Revision,
        /// The members that differ, `tds_ext_info.path`.
        changes: Vec<String>,
    },
    /// It should not be there.
    Delete {
        /// The key of what is deleted.
        key: Key,
        /// The revision that is deleted.
        revision: Revision,
    },
}

impl Step {
    /// Which definition it writes.
    pub fn key(&self) -> &Key {
        match self {
            Self::Create { key, .. } | Self::Update { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    /// What it stores; `None` where it deletes.
    pub fn document(&self) -> Option<&Document> {
        match self {
            Self::Create { document, .. } | Self::Update { document, .. } => Some(document),
            Self::Delete { .. } => None,
        }
    }
}

/// Writes in the order in which they are made: tools before the instances that have them, deletions last.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps, not yet written.
    pub steps: Vec<Step>,
    /// What of it was compiled while it was made.
    pub drafts: Drafts<StoredTool>,
}

impl Plan {
    /// Adds what makes the store hold `document` under `key`; nothing where it does already. Returns whether
    /// something has to be written.
    pub fn put(&mut self, key: Key, document: Document, stored: &Stored) -> bool {
        let Some(old) = stored.get(&key) else {
            self.steps.push(Step::Create { key, document });
            return true;
        };
        let changes = match &old.document {
            Some(old) => changed_members(old, &document),
            None => vec![String::new()],
        };
        if changes.is_empty() {
            return false;
        }
        self.steps.push(Step::Update {
            key,
            document,
            revision: old.revision,
            changes,
        });
        true
    }

    /// Adds what makes the store hold nothing under `key`.
    pub fn delete(&mut self, key: Key, stored: &Stored) -> bool {
        let Some(old) = stored.get(&key) else { return false };
        self.steps.push(Step::Delete {
            key,
            revision: old.revision,
        });
        true
    }

    /// What the whole of it would come to: every document compiled, every instance selected anew. The catalog has to
    /// have what the plan was made from.
    pub fn preview(&self, catalog: &Catalog<ToolCompiler>) -> Preview<StoredTool> {
        let proposed = self.steps.iter().map(|step| Proposed {
            key: step.key().clone(),
            document: step.document().cloned(),
        });
        let then = self.compiler(catalog.compiler());
        catalog.preview_by(&then, &proposed.collect::<Vec<_>>(), self.drafts.clone())
    }

    /// What compiles tools once it is written: with the HTTP services that there are then.
    pub fn compiler(&self, now: &ToolCompiler) -> ToolCompiler {
        let upstreams = self.steps.iter().filter(|step| step.key().kind == Kind::UPSTREAM);
        let service = |step: &Step| {
            let id = step.key().id.clone();
            let read = step
                .document()
                .map(|document| UpstreamDefinition::read(&id, document));
            let is_service = match read {
                Some(Ok(read)) => {
                    read.definition.enabled && read.definition.protocol == UpstreamProtocol::Http
                }
                // What cannot be read is refused, and what there is stays.
                Some(Err(_)) => return None,
                None => false,
            };
            Some((id, is_service))
        };
        now.planning(upstreams.filter_map(service).collect())
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
