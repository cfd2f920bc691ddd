//! Who may use a tool then and not now, and the other way round: what a plan does to the holders of keys and roles.

use super::{Plan, name};
use crate::tool::StoredTool;
use mcp_common::{
    authenticator::{Gathered, KeyRing, Principal, Rights},
    catalog::{Preview, Snapshot},
    definition::{Access, ApiKeyDefinition, api_key::ApiKeyStatus, role::Thing},
    key::{Key, Kind},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Holders that are named; more of them say nothing to a person.
pub(super) const MOST: usize = 100;
/// Looks at an instance through somebody's eyes: there may be a hundred thousand keys, and a plan is made while others wait.
const MOST_LOOKS: usize = 200_000;

/// What the holder of a key or a role gains and loses in one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderNotice {
    /// `keys/k3f09c71be24`; `roles/support-agent` for whoever has no other role.
    pub holder: String,
    /// What the key is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The instance's id.
    pub instance: String,
    /// Tools that the holder sees then and not now.
    pub gains: Vec<String>,
    /// Tools that the holder sees now and not then.
    pub loses: Vec<String>,
}

/// All of them, and how many were left out.
#[derive(Debug, Default)]
pub(super) struct Holders {
    pub(super) notices: Vec<HolderNotice>,
    pub(super) left_out: usize,
}

type Entries = Snapshot<StoredTool>;

/// Somebody, and what the key is called.
type Caller = (Principal, Option<String>);

/// Compares what holders see. Tools that come, go or are renamed for everybody are not repeated.
pub(super) fn holders(plan: &Plan, preview: &Preview<StoredTool>) -> Holders {
    let (before, after) = (&*preview.before, &preview.after);
    let mut found = Holders::default();
    if !plan.steps.iter().any(|step| is_about_access(step.key(), preview)) {
        return found;
    }
    let ids = |kind| {
        let all = [before, after]
            .into_iter()
            .filter_map(move |snapshot| snapshot.documents(kind));
        all.flat_map(|documents| documents.keys().cloned())
            .collect::<BTreeSet<_>>()
    };
    let roles = ids(Kind::ROLE).into_iter().map(Key::role);
    let keys = ids(Kind::API_KEY).into_iter().map(|id| Key {
        kind: Kind::API_KEY,
        id,
    });
    let mut lists = (Lists::new(before), Lists::new(after));
    let all: BTreeSet<Arc<str>> = lists.0.instances().chain(lists.1.instances()).collect();
    let is_touched = |id: &&Arc<str>| match (before.instances.get(*id), after.instances.get(*id)) {
        (Some(old), Some(new)) => !Arc::ptr_eq(old, new),
        _ => true,
    };
    let touched: BTreeSet<Arc<str>> = all.iter().filter(is_touched).cloned().collect();
    let mut looks = 0;
    for holder in roles.chain(keys) {
        // Before anything is gathered for it: that alone takes time where there are many.
        if looks >= MOST_LOOKS {
            found.left_out += 1;
            continue;
        }
        let (old, new) = (caller(before, &holder), caller(after, &holder));
        let instances = match is_same(old.as_ref(), new.as_ref()) {
            true => &touched,
            false => &all,
        };
        looks += 1 + instances.len();
        if looks > MOST_LOOKS {
            found.left_out += 1;
            continue;
        }
        compare(&holder, (old, new), instances, &mut lists, &mut found);
    }
    found
}

/// Whether a holder may do the same as before, as far as instances stay what they are.
fn is_same(old: Option<&Caller>, new: Option<&Caller>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some((old, _)), Some((new, _))) => {
            let names = |who: &Principal| who.grant.as_deref().map(|grant| grant.role_names().to_vec());
            old.admin == new.admin
                && old.rights() == new.rights()
                && old.roles() == new.roles()
                && names(old) == names(new)
        }
        _ => false,
    }
}

/// Whether who may use what is another thing afterwards; what everybody sees is said elsewhere.
fn is_about_access(key: &Key, preview: &Preview<StoredTool>) -> bool {
    if key.kind == Kind::TOOL {
        let access = |snapshot: &Entries| snapshot.tools.get(&key.id).and_then(|tool| tool.access.clone());
        access(&preview.before) != access(&preview.after)
    } else if key.kind == Kind::INSTANCE {
        let access = |snapshot: &Entries| {
            let entry = snapshot.instances.get(&key.id);
            entry.and_then(|entry| entry.definition.access.clone())
        };
        access(&preview.before) != access(&preview.after)
    } else {
        key.kind == Kind::ROLE || key.kind == Kind::API_KEY
    }
}

/// Somebody who comes with this; `None` where there is no such key or role.
fn caller(snapshot: &Entries, holder: &Key) -> Option<Caller> {
    if holder.kind == Kind::ROLE {
        snapshot.documents(Kind::ROLE)?.get(&holder.id)?;
        let roles = [holder.id.to_string()];
        let gathered = Gathered::of_roles(&roles, snapshot);
        return Some((Principal::with_roles(&holder.id, gathered), None));
    }
    let (key, revision): (Arc<ApiKeyDefinition>, _) = snapshot.key(&holder.id)?;
    if key.status == ApiKeyStatus::Inactive {
        return None;
    }
    let called = key.name.as_deref().map(str::to_owned);
    Some((
        key.principal(Gathered::of(&key, snapshot), revision, None),
        called,
    ))
}

fn compare(
    holder: &Key,
    (old, new): (Option<Caller>, Option<Caller>),
    instances: &BTreeSet<Arc<str>>,
    (before, after): &mut (Lists<'_>, Lists<'_>),
    found: &mut Holders,
) {
    let called = old
        .iter()
        .chain(&new)
        .last()
        .and_then(|(_, called)| called.clone());
    let (old, new) = (old.map(|(who, _)| who), new.map(|(who, _)| who));
    for instance in instances {
        let (then, now) = (
            after.seen(new.as_ref(), instance),
            before.seen(old.as_ref(), instance),
        );
        let is_there = |lists: &Lists<'_>, tool: &str| lists.has(instance, tool);
        let only = |these: &BTreeSet<Arc<str>>, those: &BTreeSet<Arc<str>>, other: &Lists<'_>| {
            let only = these.difference(those).filter(|tool| is_there(other, tool));
            only.map(ToString::to_string).collect::<Vec<_>>()
        };
        let (gains, loses) = (only(&then, &now, before), only(&now, &then, after));
        if gains.is_empty() && loses.is_empty() {
            continue;
        }
        if found.notices.len() >= MOST {
            found.left_out += 1;
            return;
        }
        found.notices.push(HolderNotice {
            holder: name(holder),
            name: called.clone(),
            instance: instance.to_string(),
            gains,
            loses,
        });
    }
}

/// What is seen of the instances of one snapshot, kept for those who see the same.
struct Lists<'a> {
    snapshot: &'a Entries,
    seen: HashMap<Seen, BTreeSet<Arc<str>>>,
    tools: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

/// Who sees the same of an instance: those with the same rights, roles and standing.
type Seen = (Arc<str>, Arc<Rights>, Vec<bool>);

impl<'a> Lists<'a> {
    fn new(snapshot: &'a Entries) -> Self {
        let reachable = snapshot
            .instances
            .iter()
            .filter(|(_, entry)| entry.definition.enabled);
        let tools = reachable.map(|(id, entry)| {
            let names = entry.selection.tools.iter().map(|selected| selected.name.clone());
            (id.clone(), names.collect())
        });
        Self {
            snapshot,
            seen: HashMap::new(),
            tools: tools.collect(),
        }
    }

    fn instances(&self) -> impl Iterator<Item = Arc<str>> + use<'_> {
        self.tools.keys().cloned()
    }

    fn has(&self, instance: &str, tool: &str) -> bool {
        self.tools.get(instance).is_some_and(|tools| tools.contains(tool))
    }

    fn seen(&mut self, caller: Option<&Principal>, instance: &Arc<str>) -> BTreeSet<Arc<str>> {
        let entry = self
            .snapshot
            .instances
            .get(instance)
            .filter(|entry| entry.definition.enabled);
        let (Some(caller), Some(entry)) = (caller, entry) else {
            return BTreeSet::new();
        };
        let Some(rights) = caller.rights() else {
            return self.tools.get(instance).cloned().unwrap_or_default();
        };
        let of_instance = entry.definition.access.as_ref();
        let is_met = |access: &Access| access.met_by(caller).is_ok();
        if !rights.opens(instance) || !of_instance.is_none_or(is_met) {
            return BTreeSet::new();
        }
        let tools = &entry.selection.tools;
        let met = tools
            .iter()
            .filter_map(|selected| selected.tool.access.as_deref().map(is_met));
        let seen: Seen = (instance.clone(), rights.clone(), met.collect());
        let list = || {
            let shown = tools.iter().filter(|selected| {
                let thing = Thing::Tool(&selected.name, &selected.tool.tags);
                rights.shows(instance, thing) && selected.tool.access.as_deref().is_none_or(is_met)
            });
            shown.map(|selected| selected.name.clone()).collect()
        };
        self.seen.entry(seen).or_insert_with(list).clone()
    }
}
