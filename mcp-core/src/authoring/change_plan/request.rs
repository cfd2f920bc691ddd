//! What somebody wants a store to hold, and what a plan may do about the rest. The same for the command line and for
//! the admin API, which gets it as JSON.

use mcp_common::{
    document::Document,
    key::{Key, Kind},
    problem::Problem,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The member that says who maintains a definition.
pub const OWNER: &str = "managed_by";
/// Members that the server writes into what it returns, and takes out of what it stores.
pub const SERVER_MAINTAINED: [&str; 2] = ["revision", "updated_at"];
/// More says nothing.
const MAX_OWNER: usize = 100;

/// Definitions as their author keeps them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// The definitions, in any order.
    pub definitions: Vec<DesiredDefinition>,
    /// What may be done, and to what.
    #[serde(default)]
    pub options: PlanOptions,
}

/// What a plan may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanOptions {
    /// Who maintains the definitions; they get it as their member `managed_by`.
    pub owner: Option<String>,
    /// What becomes of stored definitions that are not wanted.
    pub prune: Prune,
    /// Definitions that somebody else maintains may become the owner's.
    pub take_over: bool,
    /// The report shows what changes as it is and as it will be.
    #[serde(skip_serializing_if = "is_off")]
    pub diff: bool,
}

/// Gateways of before are not asked for what they do not know.
fn is_off(switch: &bool) -> bool {
    !switch
}

/// What becomes of stored definitions that are not wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prune {
    /// They stay as they are.
    #[default]
    No,
    /// The owner's are deleted.
    Owned,
    /// The owner's are deleted, and those that nobody maintains.
    All,
}

/// One definition and where it comes from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredDefinition {
    /// `tds` or `ids`.
    pub kind: String,
    /// The definition's id; it wins over the document's own.
    pub id: String,
    /// The place for messages, `orders.yaml:3`.
    #[serde(default)]
    pub place: Option<String>,
    /// A JSON object.
    pub document: Box<RawValue>,
}

/// A definition that a plan can work with.
#[derive(Clone, Debug)]
pub(super) struct Desired {
    pub(super) key: Key,
    pub(super) place: Option<String>,
    /// The document as it is to be stored.
    pub(super) document: Document,
}

impl PlanOptions {
    /// Refuses what would not do what it says.
    pub fn check(&self) -> Result<(), Problem> {
        let owner = self.owner.as_deref();
        if self.prune == Prune::Owned && owner.is_none() {
            let reason = "deletes what an owner maintains, but no owner is named; name one, or prune all that nobody \
                          else maintains";
            return Err(Problem::at("prune", reason));
        }
        let is_name = |name: &str| {
            let is_plain = |c: char| c.is_alphanumeric() || "_-./@: ".contains(c);
            !name.trim().is_empty() && name.len() <= MAX_OWNER && name.chars().all(is_plain)
        };
        if owner.is_some_and(|owner| !is_name(owner)) {
            let reason = format!("must be a name of 1 to {MAX_OWNER} letters, digits, blanks and _-./@:");
            return Err(Problem::at("owner", reason));
        }
        Ok(())
    }
}

impl DesiredDefinition {
    /// The wish for a definition that is read already.
    pub fn new(key: &Key, place: Option<String>, document: &Document) -> Self {
        let document = RawValue::from_string(document.to_json());
        Self {
            kind: key.kind.path_segment().to_owned(),
            id: key.id.to_string(),
            place,
            document: document.unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }

    /// The document as it is to be stored, or what keeps it from being read.
    pub(super) fn read(&self) -> Result<Desired, Problem> {
        let kind = Kind::parse(&self.kind)
            .ok_or_else(|| Problem::at("kind", format!("is `{}`; write {}", self.kind, Kind::words())))?;
        let mut document = Document::parse(self.document.get().as_bytes())?;
        document.set_first("id", &self.id);
        for member in SERVER_MAINTAINED {
            document.remove(member);
        }
        Ok(Desired {
            key: Key {
                kind,
                id: self.id.as_str().into(),
            },
            place: self.place.clone(),
            document,
        })
    }
}

/// Who maintains the definition.
pub(crate) fn owner(document: &Document) -> Option<String> {
    serde_json::from_str(document.get(OWNER)?.get()).ok()
}
