//! Everything at one revision, page by page.

use super::{
    Etcd,
    api::{KeyValue, RangeRequest, RangeResponse, ResponseHeader},
    client::Client,
    cluster::{Fault, Purpose},
    lineage::Origin,
    trouble::Trouble,
};
use mcp_common::{
    datasource::{Load, Record, Unreadable},
    key::Revision,
};

/// The first page; from then on the size follows the documents.
const FIRST_PAGE: i64 = 256;

/// Bytes that one page should have about.
const PAGE_BYTES: usize = 4 << 20;

/// How often to start anew because the revision was compacted away in the middle.
pub(super) const ATTEMPTS: u32 = 5;

impl Etcd {
    pub(super) async fn load_all(&self) -> Result<Load, Fault> {
        let mut attempt = 1;
        loop {
            match self.load_once().await {
                Err(fault) if fault.trouble == Trouble::Compacted && attempt < ATTEMPTS => attempt += 1,
                load => return load,
            }
        }
    }

    async fn load_once(&self) -> Result<Load, Fault> {
        let mut load = Load::default();
        let header = self
            .each(self.keys.prefix(), |entry| self.sort_in(&mut load, entry))
            .await?;
        if let Some(header) = &header {
            load.revision = header.revision.unsigned_abs();
            self.lineage.loaded(Origin::from(header));
        }
        Ok(load)
    }

    /// All entries with this prefix as they were at one revision, which the header says.
    pub(super) async fn each(
        &self,
        prefix: &str,
        mut take: impl FnMut(KeyValue),
    ) -> Result<Option<ResponseHeader>, Fault> {
        let mut pages = Pages {
            start: prefix.as_bytes().to_vec(),
            end: after(prefix),
            // 0 is "the newest" for etcd; its answer says which one that is.
            revision: 0,
            limit: FIRST_PAGE,
        };
        let mut first = None;
        loop {
            let page = match self.page(&pages).await {
                Err(fault) if fault.trouble == (Trouble::TooLarge { answer: true }) && pages.limit > 1 => {
                    pages.limit = (pages.limit / 8).max(1);
                    continue;
                }
                page => page?,
            };
            if let Some(header) = page.header.as_ref().filter(|_| pages.revision == 0) {
                pages.revision = header.revision;
                first = Some(header.clone());
            }
            pages.turn(&page.kvs);
            page.kvs.into_iter().for_each(&mut take);
            if !page.more {
                return Ok(first);
            }
        }
    }

    async fn page(&self, pages: &Pages) -> Result<RangeResponse, Fault> {
        let get = |client: Client| async move {
            let page = RangeRequest {
                key: pages.start.clone(),
                range_end: pages.end.clone(),
                revision: pages.revision,
                limit: pages.limit,
                ..RangeRequest::default()
            };
            Ok(client.range(page).await?)
        };
        self.cluster.ask(Purpose::Page, get).await
    }

    fn sort_in(&self, load: &mut Load, entry: KeyValue) {
        let revision: Revision = entry.mod_revision.unsigned_abs();
        match self.keys.name(&entry.key) {
            Ok(key) => load.records.push(Record {
                key,
                revision,
                // etcd does not keep times.
                updated_at: None,
                body: entry.value.into(),
            }),
            Err(misplaced) => load.unreadable.push(Unreadable {
                place: misplaced.place,
                reason: misplaced.reason,
                revision,
            }),
        }
    }
}

/// Where the load is.
struct Pages {
    start: Vec<u8>,
    end: Vec<u8>,
    revision: i64,
    limit: i64,
}

impl Pages {
    fn turn(&mut self, entries: &[KeyValue]) {
        let Some(last) = entries.last() else { return };
        self.start = last.key.clone();
        self.start.push(0);
        let bytes: usize = entries
            .iter()
            .map(|entry| entry.key.len() + entry.value.len())
            .sum();
        let fitting = PAGE_BYTES * entries.len() / bytes.max(1);
        // Growing slowly, since the documents to come may be larger than those seen.
        self.limit = i64::try_from(fitting)
            .unwrap_or(i64::MAX)
            .clamp(1, self.limit * 4)
            .min(8_192);
    }
}

/// The end of the range of all keys with this prefix, which ends with a `/`.
pub(super) fn after(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}
