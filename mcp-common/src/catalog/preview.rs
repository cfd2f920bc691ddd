//! What changes that are made together would come to, without making them. Definitions that are fine alone can take
//! one name twice together, and the other way round: so the whole that results is looked at, never one after the other.

use super::{
    Compile,
    entry::ToolEntry,
    quarantine::{Cause, Place, Quarantined},
    selection::{Candidates, Conflicts},
    snapshot::Snapshot,
    transition::Transition,
};
use crate::{
    datasource::{Batch, Change, Record},
    document::Document,
    key::{Key, Kind},
    problem::{Problem, Problems},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One change that somebody thinks of making.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// The key of the definition.
    pub key: Key,
    /// What would be stored; `None` for a deletion.
    pub document: Option<Document>,
}

/// The catalog now and as it would be.
#[derive(Debug)]
pub struct Preview<T> {
    /// What is served now.
    pub before: Arc<Snapshot<T>>,
    /// What would be served. A change that is refused is not in it: what was good before stays.
    pub after: Snapshot<T>,
    /// Documents that cannot be used, and everything that is wrong with them.
    pub invalid: BTreeMap<Key, Problems>,
    /// Tools that would not go together and do now: names that stand twice, arguments that an instance gives to a tool
    /// without them.
    pub clashes: Vec<Clash>,
    /// What the authors of the proposed documents should know; only keys that have some.
    pub warnings: BTreeMap<Key, Vec<String>>,
}

/// Tools of one instance that would not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The instance in which that is so.
    pub instance: Arc<str>,
    /// The ids of the tools.
    pub tools: BTreeSet<Arc<str>>,
    /// Names and tools, and what to do.
    pub text: String,
}

impl<T> Preview<T> {
    /// Whether all of it could be made.
    pub fn is_good(&self) -> bool {
        self.invalid.is_empty() && self.clashes.is_empty()
    }
}

/// Tools that were compiled while they were made, by id: what is proposed with the same text is not compiled again.
pub type Drafts<T> = BTreeMap<Arc<str>, Arc<ToolEntry<T>>>;

/// Each key at most once.
pub(super) fn preview<C: Compile>(
    compiler: &C,
    before: Arc<Snapshot<C::Tool>>,
    proposed: &[Proposed],
    drafts: Drafts<C::Tool>,
) -> Preview<C::Tool> {
    let revision = before.revision + 1;
    let change = |proposed: &Proposed| match &proposed.document {
        Some(document) => Change::Put(Record {
            key: proposed.key.clone(),
            revision,
            updated_at: None,
            body: document.to_json().into(),
        }),
        None => Change::Delete {
            key: proposed.key.clone(),
            revision,
        },
    };
    let changes = proposed.iter().map(change).collect();
    let mut transition = Transition::new(compiler, before.clone()).with_drafts(drafts);
    transition.apply(Batch { revision, changes });
    let (after, _, _) = transition.finish();

    let mut affected = BTreeSet::new();
    let mut invalid = BTreeMap::new();
    let mut warnings = BTreeMap::new();
    for Proposed { key, document } in proposed {
        if key.kind == Kind::INSTANCE {
            affected.insert(key.id.clone());
        } else if key.kind == Kind::TOOL {
            affected.extend(before.instances_of(&key.id));
            affected.extend(after.instances_of(&key.id));
        }
        if document.is_none() {
            continue;
        }
        let bad = after.quarantined(key).filter(|bad| bad.cause == Cause::Document);
        if let Some(bad) = bad {
            invalid.insert(key.clone(), Problems(bad.problems.clone()));
            continue;
        }
        if key.kind == Kind::INSTANCE {
            // What the document itself says about its tools has to fit.
            let misfits = conflicts(compiler, &after, &key.id).misfits;
            let problems: Vec<Problem> = misfits.into_values().flatten().collect();
            if !problems.is_empty() {
                invalid.insert(key.clone(), Problems(problems));
                continue;
            }
        }
        let live = after.entries(key.kind).and_then(|entries| entries.entry(&key.id));
        let mut own = live.map_or_else(Vec::new, |live| live.warnings().to_vec());
        if key.kind == Kind::SECRET {
            own.extend(closed_out(&before, &after, &key.id));
        }
        own.extend(after.about_roles(key));
        if !own.is_empty() {
            warnings.insert(key.clone(), own);
        }
    }
    if let Some(safe_mode) = compiler.safe_mode() {
        safe_mode.rest();
    }
    affected.retain(|id| !invalid.contains_key(&Key::instance(id.clone())));
    let clashes = affected
        .into_iter()
        .filter_map(|instance| new_clash(compiler, &before, &after, instance))
        .collect();
    Preview {
        before,
        after,
        invalid,
        clashes,
        warnings,
    }
}

/// Definitions that name the secret and could not be used any more.
fn closed_out<T>(before: &Snapshot<T>, after: &Snapshot<T>, secret: &str) -> Vec<String> {
    let named = format!("${{secret:{secret}}}");
    let is_new = |bad: &Quarantined| {
        let Place::Definition(key) = &bad.place else {
            return false;
        };
        before.quarantined(key).is_none() && bad.reason.contains(&named)
    };
    let bad = after.quarantine.values().filter(|bad| is_new(bad));
    bad.map(|bad| format!("{} cannot be used any more: {}", bad.place, bad.reason))
        .collect()
}

/// Conflicts that were there before do not make a change wrong that leaves them as they are.
fn new_clash<C: Compile>(
    compiler: &C,
    before: &Snapshot<C::Tool>,
    after: &Snapshot<C::Tool>,
    instance: Arc<str>,
) -> Option<Clash> {
    let mut caused = conflicts(compiler, after, &instance);
    if caused.is_empty() {
        return None;
    }
    let known = conflicts(compiler, before, &instance);
    caused.clashes.retain(|name, tools| {
        let old = known.clashes.get(name);
        !old.is_some_and(|old| tools.iter().all(|tool| old.contains(tool)))
    });
    caused.misfits.retain(|tool, _| !known.misfits.contains_key(tool));
    if caused.is_empty() {
        return None;
    }
    let text = format!("in the instance `{instance}` {}", caused.describe());
    let tools = caused.tools().cloned().collect();
    Some(Clash {
        instance,
        tools,
        text,
    })
}

fn conflicts<C: Compile>(compiler: &C, snapshot: &Snapshot<C::Tool>, instance: &str) -> Conflicts {
    let Some(entry) = snapshot.instances.get(instance) else {
        return Conflicts::default();
    };
    let newest = entry.newer.as_ref().unwrap_or(&entry.version);
    Candidates::of(compiler, &newest.definition, snapshot, Some(&entry.selection)).conflicts()
}
