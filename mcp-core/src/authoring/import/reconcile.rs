//! Drafts meet what is stored: new tools are made, changed ones changed where nobody edited them, the rest is left.

mod fingerprint;
mod instance;
mod merge;
mod names;
mod own;

use super::{
    Format, ImportOptions, Imported, MAX_NOTES, Report, Skipped, definition::Draft, known_by,
    report::Conflict,
};
use crate::{
    authoring::change_plan::{Plan, Stored},
    json::members::Members,
    tool::{StoredTool, unusable_patterns, without_patterns},
};
use fingerprint::Fingerprint;
use mcp_common::{catalog::ToolEntry, document::Document, key::Key, problem::Problems};
use merge::{Merged, merge};
use names::Names;
use own::{Own, Source};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, sync::Arc};

/// Patterns of one operation that are named one by one.
const MAX_NAMED: usize = 5;
/// Of a pattern that the report names.
const MAX_PATTERN: usize = 100;

pub(super) fn reconcile(
    format: Format,
    imported: Imported,
    options: &ImportOptions,
    stored: &Stored,
) -> (Plan, Report) {
    let source = Source {
        format,
        url: known_by(options.source.as_deref().unwrap_or(&imported.title)),
        instance: options.instance.clone(),
    };
    let own = Own::find(&source, stored);
    let mut names = Names::new(&options.instance, &own, stored);
    names.reserve_kept(&imported.drafts, &own);
    let mut work = Work {
        options,
        stored,
        source,
        own,
        names,
        plan: Plan::default(),
        report: Report {
            instance: options.instance.clone(),
            ..Report::default()
        },
        tools: Vec::new(),
        without_auth: 0,
    };
    let mut seen: BTreeSet<String> = imported.left_out.into_iter().collect();
    for (index, draft) in imported.drafts.iter().enumerate() {
        options.progress.at("compiled", index, imported.drafts.len());
        seen.insert(draft.operation.clone());
        match imported.effort.check_time() {
            Ok(()) => work.draft(draft),
            Err(reason) => work.late(draft, reason),
        }
    }
    seen.extend(imported.skipped.iter().map(|skipped| skipped.operation.clone()));
    work.report.skipped.splice(0..0, imported.skipped);
    work.report.notes.splice(0..0, imported.notes);
    work.finish(&imported.title, imported.description.as_deref(), &seen);
    (work.plan, work.report)
}

struct Work<'a> {
    options: &'a ImportOptions,
    stored: &'a Stored,
    source: Source,
    own: Own<'a>,
    names: Names,
    plan: Plan,
    report: Report,
    /// Ids that the instance should have, in the order of the description.
    tools: Vec<String>,
    /// How many tools have a credential now, and none after this.
    without_auth: usize,
}

impl Work<'_> {
    fn draft(&mut self, draft: &Draft) {
        match self.own.get(&draft.operation) {
            Some(entry) => {
                let (key, document) = (entry.key.clone(), entry.document.clone());
                self.tools.push(key.id.to_string());
                self.existing(draft, key, &document);
            }
            None => self.new_tool(draft),
        }
    }

    /// What is stored of it stays in the instance.
    fn late(&mut self, draft: &Draft, reason: String) {
        if let Some(entry) = self.own.get(&draft.operation) {
            self.tools.push(entry.key.id.to_string());
        }
        self.skip(draft, reason);
    }

    fn new_tool(&mut self, draft: &Draft) {
        let name = self.names.choose(draft, None);
        let id = format!("{}.{name}", self.options.instance);
        let key = Key::tool(id.as_str());
        if self.stored.get(&key).is_some() {
            let reason = "a definition with this id is stored that this import did not make; delete it, or give \
                          the operation another name with rename";
            return self.conflict(&id, draft, reason);
        }
        let compiled = self.compiled(draft, |draft| {
            let mut members = draft.document(&id, &name);
            let source = self.source.of(draft, &Fingerprint::of(&members));
            members.insert("source".into(), source);
            document(&members)
        });
        let document = match compiled {
            Ok(compiled) => self.noted(draft, compiled),
            Err(reason) => {
                self.names.give_back(&name);
                return self.skip(draft, reason);
            }
        };
        self.plan.put(key, document, self.stored);
        self.report.created.push(id.clone());
        self.tools.push(id);
    }

    fn existing(&mut self, draft: &Draft, key: Key, document_now: &Document) {
        let id = key.id.to_string();
        let base = Fingerprint::stored(document_now);
        let name = self.names.choose(draft, base.as_ref());
        let new = draft.document(&id, &name);
        let is_known = self
            .own
            .get(&draft.operation)
            .is_some_and(|own| own.is_as(&self.source));
        if is_known && base.as_ref().is_some_and(|base| *base == Fingerprint::of(&new)) {
            return self.report.unchanged.push(id);
        }
        let mut conflicts = Vec::new();
        let merged = self.compiled(draft, |draft| {
            let new = draft.document(&id, &name);
            let Merged {
                mut document,
                base: next,
                conflicts: found,
            } = merge(document_now, &new, base.as_ref())?;
            document.set("source", &self.source.of(draft, &next));
            conflicts = found;
            Ok(document)
        });
        match merged {
            Err(reason) => self.skip(draft, reason),
            Ok(compiled) => {
                let document = self.noted(draft, compiled);
                self.without_auth += usize::from(has_auth(document_now) && !has_auth(&document));
                let is_changed = self.plan.put(key, document, self.stored);
                for member in &conflicts {
                    let reason = format!(
                        "`{member}` was edited by hand and changed in the description too; the edit is kept"
                    );
                    self.conflict(&id, draft, &reason);
                }
                let list = if is_changed {
                    &mut self.report.changed
                } else {
                    &mut self.report.unchanged
                };
                list.push(id);
            }
        }
    }

    /// The document that `make` gives, compiled as the gateway would; without an output schema if only that is wrong, and
    /// without patterns if the input schema can be used then: those that cannot be used, or else all.
    fn compiled(
        &self,
        draft: &Draft,
        mut make: impl FnMut(&Draft) -> Result<Document, String>,
    ) -> Result<Compiled, String> {
        let document = make(draft)?;
        let problems = match self.compile(&document) {
            Ok(entry) => return Ok(Compiled::whole(entry)),
            Err(problems) => problems,
        };
        let only = |field: &str| problems.0.iter().all(|problem| problem.field.starts_with(field));
        if only("input_schema") {
            let mut try_without = |is_meant: &dyn Fn(&str) -> bool| -> Result<Option<_>, String> {
                let stored = Value::Object(draft.input_schema.clone()).to_string();
                let without = serde_json::from_str(&without_patterns(&stored, &is_meant));
                let without = Draft {
                    input_schema: without.map_err(|error| error.to_string())?,
                    ..draft.clone()
                };
                if without.input_schema == draft.input_schema {
                    return Ok(None);
                }
                let document = make(&without)?;
                Ok(self.compile(&document).ok())
            };
            let schema = Value::Object(draft.input_schema.clone());
            let unusable = unusable_patterns(&schema, self.options.compiler.bounds());
            if let Some(entry) = try_without(&|pattern| unusable.contains_key(pattern))? {
                let note = |(pattern, reason): (&String, &String)| {
                    let pattern: String = pattern.chars().take(MAX_PATTERN).collect();
                    format!("the pattern `{pattern}` is left out: {reason}")
                };
                let left_out = match unusable.len() {
                    0..=MAX_NAMED => unusable.iter().map(note).collect(),
                    all => unusable
                        .iter()
                        .take(1)
                        .map(|first| {
                            format!(
                                "{all} patterns are left out, and the first for this: {}",
                                note(first)
                            )
                        })
                        .collect(),
                };
                return Ok(Compiled { entry, left_out });
            }
            if let Some(entry) = try_without(&|_| true)? {
                let left_out = vec![format!("its patterns are left out: {problems}")];
                return Ok(Compiled { entry, left_out });
            }
        }
        if draft.output_schema.is_some() && only("output_schema") {
            let document = make(&Draft {
                output_schema: None,
                ..draft.clone()
            })?;
            let entry = self.compile(&document).map_err(|problems| problems.to_string())?;
            return Ok(Compiled::whole(entry));
        }
        Err(problems.to_string())
    }

    /// The document, which is kept compiled; the report says what was left out of it.
    fn noted(&mut self, draft: &Draft, compiled: Compiled) -> Document {
        for note in compiled.left_out {
            if self.report.notes.len() < MAX_NOTES {
                self.report.notes.push(format!("{}: {note}", draft.operation));
            }
        }
        let entry = compiled.entry;
        let document = entry.document.clone();
        self.plan.drafts.insert(entry.id.clone(), entry);
        document
    }

    fn compile(&self, document: &Document) -> Result<Arc<ToolEntry<StoredTool>>, Problems> {
        let size = document
            .get("input_schema")
            .map_or(0, |schema| schema.get().len());
        let limit = self.options.limits.max_input_schema;
        if size > limit {
            let reason = format!("has {size} bytes, at most {limit} are of use to a model");
            return Err(mcp_common::problem::Problem::at("input_schema", reason).into());
        }
        let id = document
            .get("id")
            .and_then(|id| serde_json::from_str::<String>(id.get()).ok());
        let id = id.unwrap_or_default().into();
        self.options.compiler.draft(&id, document).map(Arc::new)
    }

    fn finish(&mut self, title: &str, description: Option<&str>, seen: &BTreeSet<String>) {
        if self.without_auth > 0 && self.options.auth.is_none() {
            // An option of the last import, more often than a change of the description.
            let lose = if self.without_auth == 1 {
                "tool loses its"
            } else {
                "tools lose their"
            };
            let note = format!(
                "{} {lose} credential (tds_ext_info.auth): neither the description nor this import gives one; \
                 where the last import had --auth, this one needs it too",
                self.without_auth
            );
            self.report.notes.push(note);
        }
        let gone: Vec<Key> = self
            .own
            .iter()
            .filter(|(operation, _)| !seen.contains(*operation))
            .map(|(_, e)| e.key.clone())
            .collect();
        let mut pruned = Vec::new();
        for key in gone {
            if self.options.prune {
                self.report.removed.push(key.id.to_string());
                pruned.push(key);
            } else {
                self.report.disappeared.push(key.id.to_string());
            }
        }
        let key = Key::instance(self.options.instance.as_str());
        let written = match self.stored.get(&key) {
            None if self.tools.is_empty() => Ok(None),
            None => instance::new(&key.id, title, description, &self.tools).map(Some),
            Some(old) => instance::updated(old.document.as_ref(), &self.report.created, &self.report.removed),
        };
        match written {
            Ok(Some(document)) => drop(self.plan.put(key, document, self.stored)),
            Ok(None) => {}
            Err(reason) => self.report.conflicts.push(Conflict {
                id: self.options.instance.clone(),
                operation: "instance".to_owned(),
                reason,
            }),
        }
        for key in pruned {
            self.plan.delete(key, self.stored);
        }
    }

    fn skip(&mut self, draft: &Draft, reason: String) {
        self.report.skipped.push(Skipped {
            operation: draft.operation.clone(),
            reason,
        });
    }

    fn conflict(&mut self, id: &str, draft: &Draft, reason: &str) {
        self.report.conflicts.push(Conflict {
            id: id.to_owned(),
            operation: draft.operation.clone(),
            reason: reason.to_owned(),
        });
    }
}

fn has_auth(document: &Document) -> bool {
    let binding = document.get("tds_ext_info");
    let auth = binding.and_then(|binding| Members::read(binding.get()).ok()?.get("auth"));
    auth.is_some_and(|auth| auth.get() != "null")
}

/// What an operation came to.
struct Compiled {
    entry: Arc<ToolEntry<StoredTool>>,
    /// What is not in it, and why.
    left_out: Vec<String>,
}

impl Compiled {
    fn whole(entry: Arc<ToolEntry<StoredTool>>) -> Self {
        Self {
            entry,
            left_out: Vec::new(),
        }
    }
}

/// The members as a document of the store, with what every document has to hold.
fn document(members: &Map<String, Value>) -> Result<Document, String> {
    let text = serde_json::to_string(members).map_err(|error| error.to_string())?;
    Document::parse(text.as_bytes()).map_err(|problem| problem.to_string())
}
