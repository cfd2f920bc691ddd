//! From what somebody wants stored to a plan that is known to work as a whole.

use super::{
    Plan, PlanOptions, PlanReport, Prune, Skipped, Step, Stored,
    difference::changed_values,
    digest,
    holders::holders,
    notices,
    report::{Finding, name},
    request::{Desired, DesiredDefinition, OWNER, owner},
};
use crate::{
    secrets::{Vault, to_be_stored},
    tool::{StoredTool, ToolCompiler},
};
use mcp_common::{
    catalog::{Catalog, Cause, Preview},
    definition::SecretDefinition,
    document::Document,
    key::{Key, Kind},
    problem::Problem,
};
use std::{borrow::Cow, collections::BTreeMap, time::SystemTime};

/// A plan and what it comes to.
#[derive(Debug)]
pub struct Examined {
    /// The plan, to be written if the report has no problems.
    pub plan: Plan,
    /// What it does, what is wrong with it, and what clients will notice.
    pub report: PlanReport,
}

/// Compares what is wanted with what is stored and checks the whole that would result, as an administrator's write of
/// each of its definitions would be checked. Nothing is written. The options are those that `check` has passed;
/// the catalog has what `stored` was read from.
pub fn examine(
    wanted: &[DesiredDefinition],
    options: &PlanOptions,
    stored: &Stored,
    catalog: &Catalog<ToolCompiler>,
) -> Examined {
    let mut work = Work {
        options,
        stored,
        vault: catalog.compiler().vault(),
        plan: Plan::default(),
        report: PlanReport::default(),
        places: BTreeMap::new(),
        unchanged: Vec::new(),
    };
    let mut desired = work.read(wanted);
    // What is named before what names it.
    desired.sort_by(|a, b| a.key.cmp(&b.key));
    for definition in desired {
        work.put(definition);
    }
    work.prune();
    let preview = work.plan.preview(catalog);
    work.check(&preview);
    if preview.is_good() {
        let now = catalog.compiler();
        work.report.clients = notices(&preview, now, &work.plan.compiler(now));
        let holders = holders(&work.plan, &preview);
        work.report.access = holders.notices;
        work.report.access_left_out = holders.left_out;
        work.report.breaking = work.report.clients.iter().any(|notice| notice.breaking);
    }
    for step in &work.plan.steps {
        work.report.step(step);
    }
    if options.diff {
        work.show_values();
    }
    work.report.fingerprint = fingerprint(&work.plan, work.vault);
    Examined {
        plan: work.plan,
        report: work.report,
    }
}

struct Work<'a> {
    options: &'a PlanOptions,
    stored: &'a Stored,
    /// What encrypts the values of secrets.
    vault: Option<&'a Vault>,
    plan: Plan,
    report: PlanReport,
    /// Where each wanted definition comes from.
    places: BTreeMap<Key, Option<String>>,
    /// What is stored as it is wanted.
    unchanged: Vec<Key>,
}

impl Work<'_> {
    /// Reads the definitions that can be read; the others become problems.
    fn read(&mut self, wanted: &[DesiredDefinition]) -> Vec<Desired> {
        let mut desired = Vec::new();
        for definition in wanted {
            match definition.read() {
                Ok(read) => {
                    if let Some(first) = self.places.get(&read.key) {
                        let first = first.as_deref().unwrap_or("another place");
                        let reason = format!("stands in {first} already; remove one of the two");
                        self.problem(&read.key, read.place, "", reason, false);
                        continue;
                    }
                    self.places.insert(read.key.clone(), read.place.clone());
                    desired.push(read);
                }
                Err(problem) => self.report.problems.push(Finding {
                    definition: format!("{}/{}", definition.kind, definition.id),
                    place: definition.place.clone(),
                    field: problem.field,
                    reason: problem.reason,
                    conflict: false,
                }),
            }
        }
        desired
    }

    fn put(&mut self, definition: Desired) {
        let Desired {
            key,
            place,
            mut document,
        } = definition;
        let own = owner(&document);
        match (&own, &self.options.owner) {
            (Some(own), Some(named)) if own != named => {
                let reason =
                    format!("is `{own}`, but the plan is made for the owner `{named}`; make them agree");
                return self.problem(&key, place, OWNER, reason, false);
            }
            (None, Some(named)) => document.set(OWNER, named),
            _ => {}
        }
        let owner_then = own.or_else(|| self.options.owner.clone());
        if let Some(owner_now) = self.stored_owner(&key)
            && owner_then.as_ref() != Some(&owner_now)
            && !self.options.take_over
        {
            let reason = format!(
                "is maintained by `{owner_now}`; change it there, or plan for that owner, or take it over (`take_over`, on the command line --take-over)"
            );
            return self.problem(&key, place, OWNER, reason, true);
        }
        let document = match self.to_be_stored(&key, &document) {
            Ok(document) => document,
            Err(problem) => return self.problem(&key, place, &problem.field, problem.reason, false),
        };
        if !self.plan.put(key.clone(), document, self.stored) {
            self.report.unchanged.push(name(&key));
            self.unchanged.push(key);
        }
    }

    /// Of a secret what is stored, with its value encrypted.
    fn to_be_stored(&self, key: &Key, document: &Document) -> Result<Document, Problem> {
        let Some(vault) = self.vault else {
            return Ok(document.clone());
        };
        let stored = self.stored.get(key).and_then(|stored| stored.document.as_ref());
        to_be_stored(key, document, stored, vault, SystemTime::now()).map(Cow::into_owned)
    }

    /// Deletes what may be deleted: instances first, so that no client sees one lose its tools one by one.
    fn prune(&mut self) {
        for kind in Kind::all().into_iter().rev() {
            let stored = self.stored;
            for key in stored.keys(kind) {
                if self.places.contains_key(key) {
                    continue;
                }
                let owner = self.stored_owner(key);
                let is_own = owner.is_some() && owner == self.options.owner;
                let is_pruned = match self.options.prune {
                    Prune::No => false,
                    Prune::Owned => is_own,
                    Prune::All => is_own || owner.is_none(),
                };
                match owner {
                    _ if is_pruned => {
                        self.plan.delete(key.clone(), stored);
                    }
                    Some(owner) if !is_own && self.options.prune == Prune::All => {
                        self.skip(key, format!("stored, not wanted, but maintained by `{owner}`"));
                    }
                    _ if is_own => self.skip(key, "not wanted any more; pruning deletes it".to_owned()),
                    _ => {}
                }
            }
        }
    }

    fn stored_owner(&self, key: &Key) -> Option<String> {
        owner(self.stored.get(key)?.document.as_ref()?)
    }

    /// What is stored and what is wanted, for each definition that is changed.
    fn show_values(&mut self) {
        let updates = self.plan.steps.iter().filter_map(|step| match step {
            Step::Update {
                key,
                document,
                changes,
                ..
            } => Some((key, self.stored.get(key)?.document.as_ref(), document, changes)),
            Step::Create { .. } | Step::Delete { .. } => None,
        });
        for (report, (key, old, new, members)) in self.report.changes.iter_mut().zip(updates) {
            let shown: Vec<String> = members
                .iter()
                .filter(|member| !key.kind.row().private.contains(&member.as_str()))
                .cloned()
                .collect();
            report.values = old.map_or_else(Vec::new, |old| changed_values(old, new, &shown));
        }
    }

    fn check(&mut self, preview: &Preview<StoredTool>) {
        for (key, problems) in &preview.invalid {
            self.wrong(key, &problems.0);
        }
        // A document is wrong although it is stored already, unless the other changes make it good.
        for key in std::mem::take(&mut self.unchanged) {
            let quarantined = preview.after.quarantined(&key);
            if let Some(bad) = quarantined.filter(|bad| bad.cause == Cause::Document) {
                self.wrong(&key, &bad.problems);
            }
        }
        for clash in &preview.clashes {
            let key = Key::instance(clash.instance.clone());
            let tools = clash.tools.iter().cloned().map(Key::tool);
            let place = self
                .place(&key)
                .or_else(|| tools.filter_map(|tool| self.place(&tool)).next());
            self.problem(&key, place, "", clash.text.clone(), true);
        }
        for (key, warnings) in &preview.warnings {
            let place = self.place(key);
            let findings = warnings.iter().map(|reason| Finding {
                definition: name(key),
                place: place.clone(),
                reason: reason.clone(),
                ..Finding::default()
            });
            self.report.warnings.extend(findings);
        }
    }

    fn wrong(&mut self, key: &Key, problems: &[Problem]) {
        for problem in problems {
            let place = self.place(key);
            self.problem(key, place, &problem.field, problem.reason.clone(), false);
        }
    }

    fn place(&self, key: &Key) -> Option<String> {
        self.places.get(key).cloned().flatten()
    }

    fn problem(&mut self, key: &Key, place: Option<String>, field: &str, reason: String, conflict: bool) {
        self.report.problems.push(Finding {
            definition: name(key),
            place,
            field: field.to_owned(),
            reason,
            conflict,
        });
    }

    fn skip(&mut self, key: &Key, reason: String) {
        self.report.skipped.push(Skipped {
            operation: name(key),
            reason,
        });
    }
}

/// A fingerprint of what is written where, and over what.
fn fingerprint(plan: &Plan, vault: Option<&Vault>) -> String {
    // No two ciphertexts are the same, and no two times.
    let text = |key: &Key, document: &Document| {
        let mut shown = key.kind.row().shown(document);
        let mut text = String::new();
        if key.kind == Kind::SECRET {
            shown.remove("value_at");
            shown.remove("created_at");
            // The value itself, as nobody can guess it who does not have the gateway's key.
            let definition = SecretDefinition::read(&key.id, document).ok();
            let mark = vault
                .zip(definition)
                .and_then(|(vault, read)| vault.mark(&read.definition));
            text = mark.unwrap_or_default();
        }
        text.insert_str(0, &shown.to_json());
        text
    };
    let step = |step: &Step| {
        let (sign, revision, text) = match step {
            Step::Create { key, document } => ("+", 0, text(key, document)),
            Step::Update {
                key,
                document,
                revision,
                ..
            } => ("~", *revision, text(key, document)),
            Step::Delete { revision, .. } => ("-", *revision, String::new()),
        };
        format!("{sign}{}\n{revision}\n{text}\n", name(step.key()))
    };
    let steps: String = plan.steps.iter().map(step).collect();
    digest(&steps, 32)
}
