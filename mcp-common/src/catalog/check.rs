//! A dry run of an administrator's write.

use super::{
    Compile,
    quarantine::Cause,
    selection::{Candidates, Conflicts},
    snapshot::Snapshot,
    transition::Transition,
};
use crate::{
    datasource::Record,
    document::Document,
    key::{Key, Kind},
    problem::{Problem, Problems},
};
use std::{collections::BTreeSet, sync::Arc};

/// Why a write is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The document cannot be used. Becomes HTTP 400.
    #[error("{0}")]
    Invalid(Problems),
    /// It would give two tools of an instance one name, or change a tool so that it does not fit what an instance says
    /// about it. Becomes HTTP 409.
    #[error("{text}")]
    Clash {
        /// Where that would be.
        instances: Vec<Arc<str>>,
        /// Names instances and tools, and what to do.
        text: String,
    },
}

pub(super) fn check<C: Compile>(
    compiler: &C,
    now: &Arc<Snapshot<C::Tool>>,
    key: &Key,
    document: &Document,
) -> Result<Vec<String>, Refusal> {
    let body = document.to_json().into();
    let revision = now.revision + 1;
    let mut transition = Transition::new(compiler, now.clone());
    transition.put(Record {
        key: key.clone(),
        revision,
        updated_at: None,
        body,
    });
    let (then, _, _) = transition.finish();
    if let Some(bad) = then
        .quarantined(key)
        .filter(|entry| entry.cause == Cause::Document)
    {
        return Err(Refusal::Invalid(Problems(bad.problems.clone())));
    }
    let affected = match key.kind {
        Kind::Instance => BTreeSet::from([key.id.clone()]),
        Kind::Tool => then.instances_of(&key.id),
    };
    if key.kind == Kind::Instance {
        refuse_misfits(compiler, &then, &key.id)?;
    }
    refuse_new_conflicts(compiler, now, &then, affected)?;
    Ok(match key.kind {
        Kind::Tool => then.tools.get(&key.id).map(|entry| entry.warnings.clone()),
        Kind::Instance => then.instances.get(&key.id).map(|entry| entry.warnings.clone()),
    }
    .unwrap_or_default())
}

/// What the document itself says about its tools has to fit.
fn refuse_misfits<C: Compile>(compiler: &C, then: &Snapshot<C::Tool>, instance: &str) -> Result<(), Refusal> {
    let misfits = conflicts(compiler, then, instance).misfits;
    let problems: Vec<Problem> = misfits.into_values().flatten().collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Refusal::Invalid(Problems(problems)))
}

/// Conflicts that were there before do not make a write wrong that leaves them as they are.
fn refuse_new_conflicts<C: Compile>(
    compiler: &C,
    now: &Snapshot<C::Tool>,
    then: &Snapshot<C::Tool>,
    affected: BTreeSet<Arc<str>>,
) -> Result<(), Refusal> {
    let mut instances = Vec::new();
    let mut text = Vec::new();
    for id in affected {
        let mut caused = conflicts(compiler, then, &id);
        if caused.is_empty() {
            continue;
        }
        let before = conflicts(compiler, now, &id);
        let is_old = |name: &Arc<str>, tools: &[Arc<str>]| {
            let old = before.clashes.get(name);
            old.is_some_and(|old| tools.iter().all(|tool| old.contains(tool)))
        };
        caused.clashes.retain(|name, tools| !is_old(name, tools));
        caused
            .misfits
            .retain(|tool, _| !before.misfits.contains_key(tool));
        if !caused.is_empty() {
            text.push(format!("in the instance `{id}` {}", caused.describe()));
            instances.push(id);
        }
    }
    if instances.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Clash {
            instances,
            text: text.join("; "),
        })
    }
}

fn conflicts<C: Compile>(compiler: &C, snapshot: &Snapshot<C::Tool>, instance: &str) -> Conflicts {
    let Some(entry) = snapshot.instances.get(instance) else {
        return Conflicts::default();
    };
    let newest = entry.newer.as_ref().unwrap_or(&entry.version);
    Candidates::of(compiler, &newest.definition, snapshot, Some(&entry.selection)).conflicts()
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem.into())
    }
}
