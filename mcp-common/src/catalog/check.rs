//! A dry run of an administrator's write.

use super::{
    Compile,
    quarantine::Cause,
    selection::{Candidates, Clashes, describe},
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
    /// It would give two tools of an instance one name. Becomes HTTP 409.
    #[error("{text}")]
    Clash {
        /// Where the names would clash.
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
    refuse_new_clashes(now, &then, affected)?;
    Ok(match key.kind {
        Kind::Tool => then.tools.get(&key.id).map(|entry| entry.warnings.clone()),
        Kind::Instance => then.instances.get(&key.id).map(|entry| entry.warnings.clone()),
    }
    .unwrap_or_default())
}

/// Clashes that were there before do not make a write wrong that leaves them as they are.
fn refuse_new_clashes<T>(
    now: &Snapshot<T>,
    then: &Snapshot<T>,
    affected: BTreeSet<Arc<str>>,
) -> Result<(), Refusal> {
    let mut instances = Vec::new();
    let mut text = Vec::new();
    for id in affected {
        let before = clashes(now, &id);
        let mut caused = clashes(then, &id);
        let is_old = |name: &Arc<str>, tools: &[Arc<str>]| {
            before
                .get(name)
                .is_some_and(|old| tools.iter().all(|tool| old.contains(tool)))
        };
        caused.retain(|name, tools| !is_old(name, tools));
        if !caused.is_empty() {
            text.push(format!("in the instance `{id}` {}", describe(&caused)));
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

fn clashes<T>(snapshot: &Snapshot<T>, instance: &str) -> Clashes {
    let Some(entry) = snapshot.instances.get(instance) else {
        return Clashes::new();
    };
    let newest = entry.newer.as_ref().unwrap_or(&entry.version);
    Candidates::of(&newest.definition, snapshot).clashes()
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem.into())
    }
}
