//! Gives an instance its tools anew, after its document or one of its tools changed.

use super::{
    Compile,
    entry::{InstanceEntry, Selection, Standing, Version},
    index::References,
    quarantine::{Cause, Place, Quarantined},
    selection::Candidates,
    snapshot::Snapshot,
};
use crate::key::{Key, Revision};
use std::{sync::Arc, time::SystemTime};

/// What settling one instance came to.
pub(super) struct Settled<T> {
    pub(super) entry: InstanceEntry<T>,
    /// What keeps the newest document from being served as it is.
    pub(super) conflict: Option<Quarantined>,
}

/// `newest` is the newest document that can be read, `live` what is served now.
pub(super) fn settle<C: Compile>(
    compiler: &C,
    snapshot: &Snapshot<C::Tool>,
    newest: Arc<Version>,
    live: Option<&InstanceEntry<C::Tool>>,
    at: SystemTime,
) -> Settled<C::Tool> {
    let now = live.map(|live| &*live.selection);
    let wanted = Candidates::of(compiler, &newest.definition, snapshot, now);
    let conflicts = wanted.conflicts();
    if conflicts.is_empty() {
        let warnings = wanted.warnings.clone();
        return Settled {
            entry: entry(newest, None, wanted.all(), warnings, Standing::Good),
            conflict: None,
        };
    }
    let culprits = conflicts.tools().filter_map(|id| snapshot.tools.get(id));
    let revision = culprits
        .map(|tool| tool.revision)
        .fold(newest.revision, Revision::max);
    let reason = conflicts.describe();
    let (document, newest_at) = (Some(newest.document.clone()), newest.updated_at);
    let place = Place::Definition(Key::instance(newest.definition.id.clone()));
    let entry = match live.filter(|live| live.standing != Standing::FirstWins) {
        None => {
            let warnings = wanted.warnings.clone();
            entry(newest, None, wanted.first_wins(), warnings, Standing::FirstWins)
        }
        Some(live) if Arc::ptr_eq(&live.version, &newest) => {
            let selection = wanted.keep(&live.selection);
            entry(newest, None, selection, wanted.warnings, Standing::LastGood)
        }
        Some(live) => {
            let before = Candidates::of(compiler, &live.version.definition, snapshot, now);
            let warnings = before.warnings.clone();
            let selection = match before.conflicts().is_empty() {
                true => before.all(),
                false => before.keep(&live.selection),
            };
            entry(
                live.version.clone(),
                Some(newest),
                selection,
                warnings,
                Standing::LastGood,
            )
        }
    };
    let serving_revision = Some(entry.revision);
    let conflict = Quarantined {
        place,
        revision,
        updated_at: newest_at,
        cause: Cause::Tools,
        reason,
        at,
        serving_revision,
        document,
        problems: Vec::new(),
    };
    Settled {
        entry,
        conflict: Some(conflict),
    }
}

fn entry<T>(
    version: Arc<Version>,
    newer: Option<Arc<Version>>,
    selection: Selection<T>,
    warnings: Vec<String>,
    standing: Standing,
) -> InstanceEntry<T> {
    InstanceEntry {
        definition: version.definition.clone(),
        document: version.document.clone(),
        revision: version.revision,
        updated_at: version.updated_at,
        warnings: version.warnings.iter().cloned().chain(warnings).collect(),
        selection: Arc::new(selection),
        version,
        newer,
        standing,
    }
}

impl<T> InstanceEntry<T> {
    /// What of this entry stands in the index: both documents, since either may go live.
    pub(super) fn references(&self) -> References {
        let mut references = References::default();
        references.add(&self.definition);
        if let Some(newer) = &self.newer {
            references.add(&newer.definition);
        }
        references
    }
}
