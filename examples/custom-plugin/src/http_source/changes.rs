//! What a listing has that a consumer does not know yet.

use super::{follow::Place, listing::Listing};
use mcp_common::{
    datasource::{Batch, Change, SourceError},
    key::{Key, Revision},
};
use std::collections::HashSet;

/// Everything after `from`, in the order of revisions. `HistoryLost` where the listing cannot say what was deleted since
/// then, or where it is older: a service that lost its newest revisions has to be loaded again.
pub(super) fn since(from: &Place, listing: Listing) -> Result<Batch, SourceError> {
    let revision = listing.revision;
    let is_new = |at: Revision| at > from.revision;
    if revision < from.revision || (is_new(revision) && listing.deleted_since > from.revision) {
        return Err(SourceError::HistoryLost { from: from.revision });
    }
    let places: HashSet<&str> = listing.unreadable.iter().map(|entry| &*entry.place).collect();
    let readable = from
        .unreadable
        .iter()
        .filter(|place| !places.contains(place.as_str()));
    let readable: Vec<_> = readable
        .map(|place| Change::Readable {
            place: place.clone(),
            revision,
        })
        .collect();
    let stored: HashSet<&Key> = listing.records.iter().map(|record| &record.key).collect();
    // A key that was used again is not gone.
    let gone = listing.deleted.iter().filter(|(key, _)| !stored.contains(key));
    let gone: Vec<_> = gone
        .map(|(key, revision)| Change::Delete {
            key: key.clone(),
            revision: *revision,
        })
        .collect();
    let stored = listing.records.into_iter().map(Change::Put);
    let unreadable = listing.unreadable.into_iter().map(Change::Unreadable);
    let all = stored.chain(gone).chain(unreadable).chain(readable);
    let mut changes: Vec<_> = all.filter(|change| is_new(change.revision())).collect();
    changes.sort_by_key(Change::revision);
    Ok(Batch { revision, changes })
}

#[cfg(test)]
mod tests;
