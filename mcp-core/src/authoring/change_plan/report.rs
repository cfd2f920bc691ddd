//! What a plan comes to, for people and for programs.

mod text;

use super::{ChangedValue, HolderNotice, InstanceNotice, Step};
use mcp_common::key::{Key, Revision};
use serde::{Deserialize, Serialize};

/// Definitions are named as in the admin API's paths: `tds/orders.get`, `ids/support`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReport {
    /// The definitions that are not stored yet.
    pub created: Vec<String>,
    /// What is stored with other members.
    pub changed: Vec<String>,
    /// What is stored like this.
    pub unchanged: Vec<String>,
    /// The definitions that are to be deleted.
    pub removed: Vec<String>,
    /// What is left alone, and why.
    pub skipped: Vec<Skipped>,
    /// The members that differ, for each that is changed.
    pub changes: Vec<ChangedMembers>,
    /// Why nothing of it can be written.
    pub problems: Vec<Finding>,
    /// What is odd without being wrong.
    pub warnings: Vec<Finding>,
    /// What clients will notice, by instance.
    pub clients: Vec<InstanceNotice>,
    /// Who gains and who loses tools, by key and role and instance.
    #[serde(default)]
    pub access: Vec<HolderNotice>,
    /// How many more of them there are.
    #[serde(default)]
    pub access_left_out: usize,
    /// Something that works for a client today will not.
    pub breaking: bool,
    /// Names exactly these changes to exactly this state of the store.
    pub fingerprint: String,
    /// The revision of the last write; none where nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// Something that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// What it is: a definition, or an operation as a description names it (`GET /pets`).
    pub operation: String,
    /// The reason.
    pub reason: String,
}

/// One changed definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedMembers {
    /// The definition that is meant.
    pub definition: String,
    /// `description`, `tds_ext_info.path`; an empty one where what is stored is no document.
    pub members: Vec<String>,
    /// With `diff`: what is stored and what is wanted, value by value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ChangedValue>,
}

/// A finding about one place of one definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The definition that is meant; empty where that is not known.
    pub definition: String,
    /// The place that it comes from, `orders.yaml:3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The member, `tds_ext_info.path`; empty for the whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub reason: String,
    /// It is right in itself, but not together with what others have: a name that is taken, another owner.
    #[serde(default)]
    pub conflict: bool,
}

impl PlanReport {
    /// Whether there is nothing to write and nothing wrong.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty()
            && self.changed.is_empty()
            && self.removed.is_empty()
            && self.problems.is_empty()
    }

    pub(super) fn step(&mut self, step: &Step) {
        let definition = name(step.key());
        match step {
            Step::Create { .. } => self.created.push(definition),
            Step::Delete { .. } => self.removed.push(definition),
            Step::Update { changes, .. } => {
                self.changed.push(definition.clone());
                self.changes.push(ChangedMembers {
                    definition,
                    members: changes.clone(),
                    values: Vec::new(),
                });
            }
        }
    }
}

/// The name of a definition, as in the admin API's paths.
pub(crate) fn name(key: &Key) -> String {
    format!("{}/{}", key.kind.path_segment(), key.id)
}
