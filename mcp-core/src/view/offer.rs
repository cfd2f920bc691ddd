//! What an instance shows that nobody wrote as a definition: the inventories of other servers. Whoever owns them
//! implements [`Inventories`]; a view joins what it is handed with the instance's own tools and keeps nothing else of it.

use super::{Cursor, collection::Member};
use crate::{
    relay::Origin,
    tool::{MirroredHeader, StoredTool},
};
use mcp_common::catalog::InstanceEntry;
use std::{collections::BTreeMap, sync::Arc};

/// Everything that other servers offer through one instance.
#[derive(Default)]
pub struct Offer {
    /// Tools, under the names that they have in the instance. A tool of a definition goes first where names clash.
    pub tools: Vec<Item>,
    /// `None`: the instance has no resources, and its clients are told so.
    pub resources: Option<Resources>,
    /// `None`: the instance has no prompts.
    pub prompts: Option<Vec<Item>>,
    /// Whether origins answer `completion/complete`.
    pub completes: bool,
    /// Whether origins send log messages.
    pub logs: bool,
    /// What answers for tasks that calls turned into, by whatever [`Answer::kept_by`](crate::relay::Answer) names.
    pub tasks: BTreeMap<Arc<str>, Arc<dyn Origin>>,
}

/// Resources and the templates of more of them.
#[derive(Default)]
pub struct Resources {
    /// The resources, by URI.
    pub resources: Vec<Item>,
    /// The templates, by URI template.
    pub templates: Vec<Item>,
    /// What answers for URIs that are not listed: those of templates, and links that results had.
    pub unlisted: Option<Unlisted>,
    /// Whether origins tell of changes of single resources.
    pub subscriptions: bool,
    /// Whether there are limits of all callers for any of them.
    pub are_limited: bool,
}

/// Leads from a URI to what answers for it, if anything does.
pub type Unlisted = Arc<dyn Fn(&str) -> Option<Arc<dyn Origin>> + Send + Sync>;

/// One thing that another server offers.
#[derive(Clone)]
pub struct Item {
    /// What clients ask for it by: the name of a tool or prompt, the URI of a resource.
    pub key: Arc<str>,
    /// Its entry in the list, a JSON object.
    pub entry: Arc<str>,
    /// The entry for revisions before 2026-07-28, where that differs.
    pub legacy_entry: Option<Arc<str>>,
    /// Which arguments of a tool clients of 2026-07-28 repeat in headers.
    pub mirrored: Arc<[MirroredHeader]>,
    /// What answers requests for it.
    pub origin: Arc<dyn Origin>,
}

/// Owns the inventories of other servers.
pub trait Inventories: Send + Sync {
    /// What they offer through this instance now. Never waits for any of them.
    fn offer(&self, instance: &InstanceEntry<StoredTool>) -> Offer;

    /// A number that is another one as soon as [`offer`](Self::offer) may say something else. Asked for each view that is
    /// built, before and after.
    fn epoch(&self, instance: &InstanceEntry<StoredTool>) -> u64;
}

/// In the order in which they are listed: by their keys, each once.
pub(super) fn members<T>(mut items: Vec<Item>, what: impl Fn(&Item) -> T) -> Vec<Member<T>> {
    items.sort_by(|a, b| a.key.cmp(&b.key));
    items.dedup_by(|later, first| later.key == first.key);
    let member = |item: Item| Member {
        what: what(&item),
        order: Cursor {
            place: Cursor::OFFERED,
            id: item.key.to_string(),
        },
        modern: item.entry.to_string(),
        legacy: item.legacy_entry.as_ref().unwrap_or(&item.entry).to_string(),
        key: item.key,
    };
    items.into_iter().map(member).collect()
}

/// There are no other servers.
pub struct NoInventories;

impl Inventories for NoInventories {
    fn offer(&self, _: &InstanceEntry<StoredTool>) -> Offer {
        Offer::default()
    }

    fn epoch(&self, _: &InstanceEntry<StoredTool>) -> u64 {
        0
    }
}
