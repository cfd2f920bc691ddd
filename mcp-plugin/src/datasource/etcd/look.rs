//! A look at a key before it is written.

use super::{
    Etcd,
    api::{RangeRequest, SortOrder, TxnRequest},
    client::Client,
    cluster::{Fault, Purpose},
    history::APART,
    load::after,
};
use mcp_common::key::Key;

/// The key as it was looked at.
pub(super) struct Seen {
    /// The key's `mod_revision`, 0 for nothing.
    pub(super) current: i64,
    /// Name of the history entry to come. A write of the key that was carried out has a higher revision than any look
    /// before it, so names are unique and in order.
    pub(super) next: String,
    /// What is older goes away with the write.
    pub(super) oldest_kept: Option<Vec<u8>>,
}

impl Etcd {
    /// The key and what of its history a write takes away, at one revision.
    pub(super) async fn look(&self, key: &Key) -> Result<Seen, Fault> {
        let (definition, past) = (self.keys.definition(key), &self.keys.past(key));
        // Twice, for documents that stand apart.
        let count = i64::try_from(self.history * 2).unwrap_or(i64::MAX);
        let record = RangeRequest {
            key: definition.into(),
            keys_only: true,
            ..RangeRequest::default()
        };
        let newest = RangeRequest {
            key: past.as_str().into(),
            range_end: after(past),
            sort_order: SortOrder::Descend.into(),
            limit: count,
            keys_only: true,
            ..RangeRequest::default()
        };
        let both = TxnRequest {
            success: vec![record.into(), newest.into()],
            ..TxnRequest::default()
        };
        let both = &both;
        let look = |client: Client| async move { Ok(client.txn(both.clone()).await?) };
        let answer = self.cluster.ask(Purpose::Read, look).await?;
        let revision = answer.header.as_ref().map_or(0, |header| header.revision);
        let mut found = answer.found();
        let record = found.next().unwrap_or_default().pop();
        let names = found
            .next()
            .unwrap_or_default()
            .into_iter()
            .map(|entry| entry.key);
        let next = format!("{past}{revision:020}");
        Ok(Seen {
            current: record.map_or(0, |record| record.mod_revision),
            oldest_kept: oldest_kept(names, next.as_bytes(), self.history),
            next,
        })
    }
}

/// `names` newest first; `None` where nothing has to go.
fn oldest_kept(names: impl Iterator<Item = Vec<u8>>, next: &[u8], history: usize) -> Option<Vec<u8>> {
    let mut entries = names.filter(|name| !name.ends_with(APART.as_bytes()));
    let kept = match history {
        0 | 1 => next.to_vec(),
        more => entries.nth(more - 2)?,
    };
    entries.next().map(|_| kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_entries_as_wanted_are_kept() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| name.as_bytes().to_vec())
                .collect::<Vec<_>>()
        };
        let kept = |stored: &[&str], history| {
            oldest_kept(names(stored).into_iter(), b"9", history).map(|name| String::from_utf8(name).unwrap())
        };
        assert_eq!(kept(&[], 2), None);
        assert_eq!(kept(&["5"], 2), None);
        assert_eq!(kept(&["5", "4"], 2).as_deref(), Some("5"));
        assert_eq!(
            kept(&["5/body", "5", "4/body", "4", "3"], 3).as_deref(),
            Some("4")
        );
        assert_eq!(kept(&["5"], 1).as_deref(), Some("9"));
        assert_eq!(kept(&[], 1), None);
    }
}
