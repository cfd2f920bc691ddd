//! Gives an instance its tools anew, after its document or one of its tools changed.

use super::{
    entry::{InstanceEntry, Selection, Standing, Version},
    index::References,
    quarantine::{Cause, Place, Quarantined},
    selection::{Candidates, describe},
    snapshot::Snapshot,
};
use crate::key::{Key, Revision};
use std::{sync::Arc, time::SystemTime};

/// What settling one instance came to.
pub(super) struct Settled<T> {
    pub(super) entry: InstanceEntry<T>,
    /// The clash that keeps the newest document from being served as it is.
    pub(super) clash: Option<Quarantined>,
}

/// `newest` is the newest document that can be read, `live` what is served now.
pub(super) fn settle<T>(
    snapshot: &Snapshot<T>,
    newest: Arc<Version>,
    live: Option<&InstanceEntry<T>>,
    at: SystemTime,
) -> Settled<T> {
    let wanted = Candidates::of(&newest.definition, snapshot);
    let clashes = wanted.clashes();
    if clashes.is_empty() {
        let warnings = wanted.warnings;
        let selection = Selection { tools: wanted.tools };
        return Settled {
            entry: entry(newest, None, selection, warnings, Standing::Good),
            clash: None,
        };
    }
    let culprits = clashes.values().flatten().filter_map(|id| snapshot.tools.get(id));
    let revision = culprits
        .map(|tool| tool.revision)
        .fold(newest.revision, Revision::max);
    let reason = describe(&clashes);
    let document = Some(newest.document.clone());
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
            let before = Candidates::of(&live.version.definition, snapshot);
            let selection = match before.clashes().is_empty() {
                true => Selection { tools: before.tools },
                false => before.keep(&live.selection),
            };
            entry(
                live.version.clone(),
                Some(newest),
                selection,
                before.warnings,
                Standing::LastGood,
            )
        }
    };
    let serving_revision = Some(entry.revision);
    let clash = Quarantined {
        place,
        revision,
        cause: Cause::Clash,
        reason,
        at,
        serving_revision,
        document,
        problems: Vec::new(),
    };
    Settled {
        entry,
        clash: Some(clash),
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
