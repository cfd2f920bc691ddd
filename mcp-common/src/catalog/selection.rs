//! From an instance's document to its tools.

use super::{
    entry::{Selected, Selection},
    snapshot::Snapshot,
};
use crate::definition::InstanceDefinition;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// The tools that a document asks for, before names are looked at.
pub(super) struct Candidates<T> {
    pub(super) tools: Vec<Selected<T>>,
    pub(super) warnings: Vec<String>,
}

/// Names that stand for more than one tool, and the ids of those, in listing order.
pub(super) type Clashes = BTreeMap<Arc<str>, Vec<Arc<str>>>;

impl<T> Candidates<T> {
    /// `tool_ids` in their order, then included tags by id, without what is excluded.
    pub(super) fn of(definition: &InstanceDefinition, snapshot: &Snapshot<T>) -> Self {
        let excluded: HashSet<&str> = definition
            .exclude
            .iter()
            .flat_map(|exclude| &exclude.tool_ids)
            .map(|id| &**id)
            .collect();
        let mut candidates = Self {
            tools: Vec::new(),
            warnings: Vec::new(),
        };
        let mut named: HashSet<&str> = HashSet::new();
        let mut entries: HashSet<(&str, Option<&str>)> = HashSet::new();
        for (index, reference) in definition.tool_ids.iter().enumerate() {
            let id = &*reference.id;
            if excluded.contains(id) {
                continue;
            }
            if !entries.insert((id, reference.name.as_deref())) {
                candidates.warnings.push(format!(
                    "tool_ids[{index}]: `{id}` stands twice, it is listed once"
                ));
                continue;
            }
            named.insert(id);
            match snapshot.tools.get(id) {
                None => candidates.warnings.push(format!(
                    "tool_ids[{index}]: there is no tool `{id}`; it starts to work when it appears"
                )),
                Some(tool) if !tool.enabled => {
                    candidates
                        .warnings
                        .push(format!("tool_ids[{index}]: the tool `{id}` is disabled"));
                }
                Some(tool) => candidates.tools.push(Selected {
                    name: reference.name.clone().unwrap_or_else(|| tool.name.clone()),
                    description: reference.description.clone(),
                    tool: tool.clone(),
                }),
            }
        }
        let tags = definition.include.iter().flat_map(|include| &include.tags);
        let tagged: BTreeSet<&str> = tags
            .flat_map(|tag| snapshot.index.tagged.of(tag))
            .map(|id| &**id)
            .collect();
        let added = tagged
            .into_iter()
            .filter(|id| !named.contains(id) && !excluded.contains(id));
        let added = added
            .filter_map(|id| snapshot.tools.get(id))
            .filter(|tool| tool.enabled);
        candidates.tools.extend(added.map(|tool| Selected {
            name: tool.name.clone(),
            description: None,
            tool: tool.clone(),
        }));
        candidates
    }

    /// Names that are taken twice.
    pub(super) fn clashes(&self) -> Clashes {
        let mut holders = Clashes::new();
        for selected in &self.tools {
            holders
                .entry(selected.name.clone())
                .or_default()
                .push(selected.tool.id.clone());
        }
        holders.retain(|_, tools| tools.len() > 1);
        holders
    }

    /// The tool that stands first has the name, the others are hidden.
    pub(super) fn first_wins(self) -> Selection<T> {
        let mut taken = HashSet::new();
        let mut tools = self.tools;
        tools.retain(|selected| taken.insert(selected.name.clone()));
        Selection { tools }
    }

    /// What was good before, under the names it had. Tools that are gone, disabled or no longer selected leave it: what
    /// was taken away must not stay callable. Tools that kept their name are shown as they are now; the renamed ones,
    /// which make the clash, as they were.
    pub(super) fn keep(&self, last: &Selection<T>) -> Selection<T> {
        let now = |before: &Selected<T>| {
            let mut same_tool = self
                .tools
                .iter()
                .filter(|selected| selected.tool.id == before.tool.id)
                .peekable();
            same_tool.peek()?;
            Some(
                same_tool
                    .find(|selected| selected.name == before.name)
                    .unwrap_or(before)
                    .clone(),
            )
        };
        Selection {
            tools: last.tools.iter().filter_map(now).collect(),
        }
    }
}

/// For people.
pub(super) fn describe(clashes: &Clashes) -> String {
    let one = |(name, tools): (&Arc<str>, &Vec<Arc<str>>)| {
        let tools = tools
            .iter()
            .map(|id| format!("`{id}`"))
            .collect::<Vec<_>>()
            .join(" and ");
        format!("the name `{name}` would stand for the tools {tools}")
    };
    let clashes = clashes.iter().map(one).collect::<Vec<_>>().join("; ");
    format!("{clashes}; rename one of them, or give one another `name` in the instance's `tool_ids`")
}
