//! From an instance's document to its tools.

use super::{
    Compile,
    entry::{Selected, Selection, ToolEntry},
    fit::Fit,
    snapshot::Snapshot,
};
use crate::{
    definition::{InstanceDefinition, instance::ToolReference},
    problem::{Problem, Problems},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// The tools that a document asks for, before names are looked at.
pub(super) struct Candidates<T> {
    tools: Vec<Candidate<T>>,
    pub(super) warnings: Vec<String>,
}

struct Candidate<T> {
    selected: Selected<T>,
    /// Why it does not go with what the instance says about it.
    misfit: Option<Problems>,
}

/// What keeps tools from going together.
#[derive(Default)]
pub(super) struct Conflicts {
    pub(super) clashes: Clashes,
    pub(super) misfits: Misfits,
}

/// Tools that do not go with what the instance says about them.
pub(super) type Misfits = BTreeMap<Arc<str>, Vec<Problem>>;

/// Names that stand for more than one tool, and the ids of those, in listing order.
pub(super) type Clashes = BTreeMap<Arc<str>, Vec<Arc<str>>>;

impl<T: Send + Sync + 'static> Candidates<T> {
    /// `tool_ids` in their order, then included tags by id, without what is excluded.
    pub(super) fn of<C: Compile<Tool = T>>(
        compiler: &C,
        definition: &InstanceDefinition,
        snapshot: &Snapshot<T>,
        now: Option<&Selection<T>>,
    ) -> Self {
        let fit = Fit {
            compiler,
            instance: definition,
            now,
        };
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
            // Those of upstreams are joined to these when the instance is rendered.
            if excluded.contains(id) || reference.remote().is_some() {
                continue;
            }
            if !entries.insert((id, reference.name.as_deref())) {
                candidates.warnings.push(format!(
                    "tool_ids[{index}]: `{id}` appears twice, it is listed once"
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
                Some(tool) => candidates.add(&fit, tool, Some((index, reference))),
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
        for tool in added {
            candidates.add(&fit, tool, None);
        }
        candidates
    }

    fn add<C: Compile<Tool = T>>(
        &mut self,
        fit: &Fit<'_, C>,
        tool: &Arc<ToolEntry<T>>,
        entry: Option<(usize, &ToolReference)>,
    ) {
        let (overridden, misfit) = match fit.tool(tool, entry) {
            Ok(overridden) => (overridden, None),
            Err(problems) => (None, Some(problems)),
        };
        if let (Some(overridden), Some((index, _))) = (&overridden, entry) {
            let warnings = fit.compiler.override_warnings(&overridden.compiled).iter();
            let at = |warning: &String| format!("tool_ids[{index}].{warning}");
            self.warnings.extend(warnings.map(at));
        }
        let reference = entry.map(|(_, reference)| reference);
        let name = reference.and_then(|reference| reference.name.as_ref());
        let selected = Selected {
            name: name.unwrap_or(&tool.name).clone(),
            description: reference.and_then(|reference| reference.description.clone()),
            tool: tool.clone(),
            overridden,
        };
        self.tools.push(Candidate { selected, misfit });
    }

    /// What keeps the tools from going together.
    pub(super) fn conflicts(&self) -> Conflicts {
        let mut clashes = Clashes::new();
        let mut misfits = Misfits::new();
        for Candidate { selected, misfit } in &self.tools {
            let id = &selected.tool.id;
            clashes.entry(selected.name.clone()).or_default().push(id.clone());
            if let Some(Problems(problems)) = misfit {
                misfits.entry(id.clone()).or_default().extend_from_slice(problems);
            }
        }
        clashes.retain(|_, tools| tools.len() > 1);
        Conflicts { clashes, misfits }
    }

    /// Where there is no conflict.
    pub(super) fn all(self) -> Selection<T> {
        let tools = self.tools.into_iter().map(|candidate| candidate.selected);
        Selection {
            tools: tools.collect(),
        }
    }

    /// The tool that stands first has the name, the others are hidden, and so are those that do not fit.
    pub(super) fn first_wins(self) -> Selection<T> {
        let mut taken = HashSet::new();
        let fitting = self
            .tools
            .into_iter()
            .filter(|candidate| candidate.misfit.is_none());
        let tools = fitting.map(|candidate| candidate.selected);
        let tools = tools
            .filter(|selected| taken.insert(selected.name.clone()))
            .collect();
        Selection { tools }
    }

    /// What was good before, under the names it had. Tools that are gone, disabled or no longer selected leave it: what
    /// was taken away must not stay callable. Tools that kept their name are shown as they are now; the renamed ones,
    /// which make the clash, as they were, and so are those that do not fit any more.
    pub(super) fn keep(&self, last: &Selection<T>) -> Selection<T> {
        let now = |before: &Selected<T>| {
            let mut same_tool = self
                .tools
                .iter()
                .filter(|candidate| candidate.selected.tool.id == before.tool.id)
                .peekable();
            same_tool.peek()?;
            let same_name = same_tool.find(|candidate| candidate.selected.name == before.name);
            let fitting = same_name.filter(|candidate| candidate.misfit.is_none());
            Some(fitting.map_or(before, |candidate| &candidate.selected).clone())
        };
        Selection {
            tools: last.tools.iter().filter_map(now).collect(),
        }
    }
}

impl Conflicts {
    pub(super) fn is_empty(&self) -> bool {
        self.clashes.is_empty() && self.misfits.is_empty()
    }

    /// Ids of the tools.
    pub(super) fn tools(&self) -> impl Iterator<Item = &Arc<str>> {
        self.clashes.values().flatten().chain(self.misfits.keys())
    }

    /// The selection in words, for people.
    pub(super) fn describe(&self) -> String {
        let clashes = (!self.clashes.is_empty()).then(|| describe(&self.clashes));
        let misfit = |(tool, problems): (&Arc<str>, &Vec<Problem>)| {
            format!("the tool `{tool}` does not fit: {}", Problems(problems.clone()))
        };
        let parts: Vec<_> = clashes
            .into_iter()
            .chain(self.misfits.iter().map(misfit))
            .collect();
        parts.join("; ")
    }
}

fn describe(clashes: &Clashes) -> String {
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
