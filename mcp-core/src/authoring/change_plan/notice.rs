//! What clients will notice of a plan: per instance the tools that come, go and are renamed, what breaks calls that
//! work today, the order, and the size of the list that every conversation pays for.

mod schema;
mod tool;

use crate::{
    authoring::tokens,
    tool::{StoredTool, ToolCompiler},
    view::{ListedTool, listed},
};
use mcp_common::{
    catalog::{InstanceEntry, Preview},
    definition::instance::InstanceAuth,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What the clients of one instance will notice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceNotice {
    /// The instance's id.
    pub instance: String,
    /// Whether it is there before and after.
    pub change: InstanceChange,
    /// Names that are listed then and not now.
    pub appear: Vec<String>,
    /// Names that are listed now and not then.
    pub disappear: Vec<String>,
    /// Tools that stay under another name.
    pub renamed: Vec<Renamed>,
    /// Tools that keep their name and are listed differently.
    pub changed: Vec<ToolNotice>,
    /// The tools that stay are listed in another order.
    pub reordered: bool,
    /// What changes of the instance itself.
    pub other: Vec<Notice>,
    /// The list now.
    pub before: ListSize,
    /// The list then.
    pub after: ListSize,
    /// Something that works today will not.
    pub breaking: bool,
}

/// Whether an instance can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstanceChange {
    /// It is there before and after.
    #[default]
    Stays,
    /// It is there only after.
    Appears,
    /// It is there only before.
    Disappears,
}

/// A tool's two names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The name now.
    pub from: String,
    /// The name then.
    pub to: String,
}

/// What changes of one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolNotice {
    /// The tool's name then.
    pub name: String,
    /// The changes, one by one.
    pub changes: Vec<Notice>,
}

/// One thing to notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The difference in words, for people.
    pub text: String,
    /// It breaks calls, or readers of results, that are right today.
    pub breaking: bool,
}

/// How large a list of tools is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSize {
    /// Listed tools.
    pub tools: usize,
    /// The bytes of the array `tools` in the answer to `tools/list`, all pages together.
    pub bytes: usize,
    /// About as many for a model, see [`tokens::estimate`].
    pub tokens: u64,
}

/// What clients notice, by instance id; instances that clients see no difference of are left out. `then` compiles what there will be.
pub fn notices(
    preview: &Preview<StoredTool>,
    now: &ToolCompiler,
    then: &ToolCompiler,
) -> Vec<InstanceNotice> {
    let (before, after) = (&preview.before.instances, &preview.after.instances);
    let ids: BTreeSet<&Arc<str>> = before.keys().chain(after.keys()).collect();
    let notices = ids.into_iter().filter_map(|id| {
        let (old, new) = (before.get(id), after.get(id));
        if let (Some(old), Some(new)) = (old, new)
            && Arc::ptr_eq(old, new)
            && !waits(new, then)
        {
            return None;
        }
        let notice = notice(id, old.map(|old| (&**old, now)), new.map(|new| (&**new, then)));
        notice.is_something().then_some(notice)
    });
    notices.collect()
}

type Entry = InstanceEntry<StoredTool>;

/// Whether a tool of it is called at a service that the plan brings or takes away.
fn waits(entry: &Entry, then: &ToolCompiler) -> bool {
    let tools = entry.selection.tools.iter();
    let mut services = tools.filter_map(|selected| selected.tool.compiled.upstream());
    services.any(|service| then.plans(service))
}

/// An instance, and what compiles its tools.
type Side<'a> = (&'a Entry, &'a ToolCompiler);

fn notice(id: &str, old: Option<Side<'_>>, new: Option<Side<'_>>) -> InstanceNotice {
    let reachable = |entry: Option<&Entry>| entry.is_some_and(|entry| entry.definition.enabled);
    let list = |side: Option<Side<'_>>| {
        side.map(|(entry, compiler)| listed(entry, compiler))
            .unwrap_or_default()
    };
    let (before, after) = (list(old), list(new));
    let (old, new) = (old.map(|(entry, _)| entry), new.map(|(entry, _)| entry));
    let mut notice = InstanceNotice {
        instance: id.to_owned(),
        change: match (reachable(old), reachable(new)) {
            (false, true) => InstanceChange::Appears,
            (true, false) => InstanceChange::Disappears,
            _ => InstanceChange::Stays,
        },
        before: ListSize::of(&before),
        after: ListSize::of(&after),
        ..InstanceNotice::default()
    };
    notice.tools(&before, &after);
    if let (Some(old), Some(new), InstanceChange::Stays) = (old, new, notice.change)
        && new.definition.enabled
    {
        notice.other = about_instance(old, new);
    }
    let mut texts = notice
        .changed
        .iter()
        .flat_map(|tool| &tool.changes)
        .chain(&notice.other);
    notice.breaking = notice.change == InstanceChange::Disappears
        || !notice.disappear.is_empty()
        || !notice.renamed.is_empty()
        || texts.any(|text| text.breaking);
    notice
}

impl InstanceNotice {
    fn is_something(&self) -> bool {
        let lists = self.appear.len() + self.disappear.len() + self.renamed.len() + self.changed.len();
        self.change != InstanceChange::Stays || lists > 0 || self.reordered || !self.other.is_empty()
    }

    fn tools(&mut self, before: &[ListedTool], after: &[ListedTool]) {
        let by_name = |list| -> BTreeMap<Arc<str>, &ListedTool> { index(list) };
        let (old, new) = (by_name(before), by_name(after));
        // The name that a tool of the new list had.
        let mut had: BTreeMap<&str, &str> = BTreeMap::new();
        let mut gone: Vec<&ListedTool> = before
            .iter()
            .filter(|tool| !new.contains_key(&tool.name))
            .collect();
        for tool in after {
            if let Some(same) = old.get(&tool.name) {
                had.insert(&tool.name, &same.name);
                continue;
            }
            match gone.iter().position(|before| before.id == tool.id) {
                Some(index) => {
                    let before = gone.remove(index);
                    had.insert(&tool.name, &before.name);
                    self.renamed.push(Renamed {
                        from: before.name.to_string(),
                        to: tool.name.to_string(),
                    });
                }
                None => self.appear.push(tool.name.to_string()),
            }
        }
        self.disappear = gone.iter().map(|tool| tool.name.to_string()).collect();
        for tool in after {
            let before = had.get(&*tool.name).and_then(|name| old.get(*name));
            let mut changes = before
                .map(|before| tool::compare(&before.entry, &tool.entry))
                .unwrap_or_default();
            if let Some(before) = before.filter(|before| before.id != tool.id) {
                let text = format!("is `{}` now, it was `{}`", tool.id, before.id);
                changes.insert(
                    0,
                    Notice {
                        text,
                        breaking: false,
                    },
                );
            }
            if !changes.is_empty() {
                self.changed.push(ToolNotice {
                    name: tool.name.to_string(),
                    changes,
                });
            }
        }
        let names_then: Vec<&str> = after
            .iter()
            .filter_map(|tool| had.get(&*tool.name).copied())
            .collect();
        let stays: BTreeSet<&str> = names_then.iter().copied().collect();
        let names_now = before
            .iter()
            .map(|tool| &*tool.name)
            .filter(|name| stays.contains(name));
        self.reordered = !names_now.eq(names_then);
    }
}

fn index(list: &[ListedTool]) -> BTreeMap<Arc<str>, &ListedTool> {
    list.iter().map(|tool| (tool.name.clone(), tool)).collect()
}

fn about_instance(old: &Entry, new: &Entry) -> Vec<Notice> {
    let (old, new) = (&old.definition, &new.definition);
    let mut notices = Vec::new();
    let mut note = |text: &str, breaking| {
        notices.push(Notice {
            text: text.to_owned(),
            breaking,
        });
    };
    if old.name != new.name {
        note("the server's title is another one", false);
    }
    if old.description != new.description {
        note("the server's instructions are others", false);
    }
    if old.auth != new.auth {
        match new.auth {
            InstanceAuth::Inherit => note("clients need a key now", true),
            InstanceAuth::None => note("clients need no key any more", false),
        }
    }
    if old.metadata != new.metadata {
        note(
            "older clients are spoken to differently (metadata.proto_type)",
            true,
        );
    }
    notices
}

impl ListSize {
    fn of(list: &[ListedTool]) -> Self {
        let entries: Vec<&str> = list.iter().map(|tool| tool.entry.as_str()).collect();
        let text = format!("[{}]", entries.join(","));
        Self {
            tools: list.len(),
            bytes: text.len(),
            tokens: tokens::estimate(&text),
        }
    }
}

#[cfg(test)]
mod tests;
