//! The contract that every data source must hold, as tests to run against it.
//!
//! Implement [`Harness`] for the source and write `mcp_common::datasource_contract!(MyHarness);` into a test file: it
//! becomes one `#[tokio::test]` per case, so that a failure names what is broken. The crate needs `tokio` with
//! `macros` and `rt-multi-thread`.

mod changes;
mod documents;
mod follower;
mod kinds;
mod leases;
mod outages;
mod sizes;
mod streams;
mod writes;

pub use changes::{bad_record, burst_of_1000, delete, rename, tool_and_instance_share_an_id, update};
pub use documents::{history, large_document, unicode_ids, values_come_back_as_written};
pub use follower::Follower;
pub use kinds::{NOTES, Note, every_kind_is_kept};
pub use leases::leases;
pub use outages::{changes_are_forgotten, connection_is_cut, server_restarts, slow_store};
pub use sizes::{ten_thousand_documents, too_large};
pub use streams::{
    load_and_watch_without_gap, order_by_revision, reconnect, resume_from_a_revision, two_consumers,
};
pub use writes::{
    delete_of_missing, expectations, initial_load, lost_updates_are_impossible, put, two_writers_on_one_key,
};

use crate::{
    datasource::{DataSource, Expected, Record, Write},
    key::{Key, Revision},
};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

/// How the suite gets at one store.
#[async_trait]
pub trait Harness: Send + Sync + Sized + 'static {
    /// Cases that cannot be tried on this store, each with the reason. A case that finds no way to do what it needs
    /// fails unless it is named here, so that nothing is left out in silence.
    const NOT_APPLICABLE: &'static [(&'static str, &'static str)] = &[];

    /// Whether a watch keeps a connection between changes, and so has to notice when it breaks. A source that asks again
    /// and again may find the store back before it asks the next time; it only has to go on.
    const KEEPS_A_CONNECTION: bool = true;

    /// A store of its own with nothing in it; gone when the harness is dropped.
    async fn fresh() -> Self;

    /// Connects to the store, each time anew. A source that lives in one process only gives the same one again.
    async fn connect(&self) -> Arc<dyn DataSource>;

    /// Writes past the gateway, like a platform team's pipeline does. `false` where there is no such way.
    async fn raw(&self, _write: Raw<'_>) -> bool {
        false
    }

    /// Stores all of them past the gateway, at once. `false` where writing one by one is quick enough for thousands.
    async fn raw_many(&self, _documents: &[(Key, String)]) -> bool {
        false
    }

    /// Makes the store forget the changes so far: a compaction, a trimmed log. `false` where it always knows them.
    async fn forget_changes(&self) -> bool {
        false
    }

    /// Breaks all connections to the store; new ones can be made. `false` where there are none.
    async fn cut_connections(&self) -> bool {
        false
    }

    /// Stops the store and starts it again. `false` where it does not run by itself.
    async fn restart(&self) -> bool {
        false
    }

    /// Makes every answer of the store come late from now on. `false` where that cannot be arranged.
    async fn slow_down(&self) -> bool {
        false
    }

    /// The largest document that the store takes, if that is something a test can exceed.
    fn largest(&self) -> Option<usize> {
        None
    }
}

/// The case ends here without having tried anything: the harness must have said so.
fn not_applicable<H: Harness>(case: &str) {
    let named = H::NOT_APPLICABLE
        .iter()
        .any(|(name, reason)| *name == case && !reason.is_empty());
    assert!(
        named,
        "`{case}` was not tried: implement the hook it needs, or name it in NOT_APPLICABLE with the reason"
    );
}

/// A write past the gateway.
#[derive(Clone, Copy, Debug)]
pub enum Raw<'a> {
    /// Stores or replaces.
    Put {
        /// Where.
        key: &'a Key,
        /// What, possibly not JSON.
        body: &'a str,
    },
    /// Takes away.
    Delete(&'a Key),
    /// Gives a record another id, in the store's own way.
    Rename {
        /// The id so far.
        from: &'a Key,
        /// The id from now on.
        to: &'a Key,
    },
    /// Stores something that cannot be a definition, because its place names no kind.
    Unreadable,
}

/// One `#[tokio::test]` per case of the contract.
#[macro_export]
macro_rules! datasource_contract {
    ($harness:ty) => {
        $crate::datasource_contract! { $harness:
            initial_load put update rename delete delete_of_missing expectations lost_updates_are_impossible
            burst_of_1000 bad_record reconnect resume_from_a_revision two_consumers order_by_revision history
            load_and_watch_without_gap large_document unicode_ids tool_and_instance_share_an_id
            values_come_back_as_written two_writers_on_one_key ten_thousand_documents too_large
            changes_are_forgotten connection_is_cut server_restarts slow_store every_kind_is_kept
        }
        $crate::inventory::submit! { $crate::key::KindEntry(&$crate::testsuite::NOTES) }
    };
    ($harness:ty: $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::testsuite::$case::<$harness>().await;
            }
        )*
    };
}

/// Writes whatever is there.
async fn store(source: &dyn DataSource, key: &Key, body: impl Into<Bytes>) -> Revision {
    let write = Write {
        key,
        expected: Expected::Any,
        principal: "suite",
    };
    source.put(write, body.into()).await.expect("put")
}

/// Deletes whatever is there.
async fn remove(source: &dyn DataSource, key: &Key) -> Option<Revision> {
    source
        .delete(Write {
            key,
            expected: Expected::Any,
            principal: "suite",
        })
        .await
        .expect("delete")
}

/// The record as a fresh load sees it.
async fn stored(source: &dyn DataSource, key: &Key) -> Option<Record> {
    let load = source.load().await.expect("load");
    load.records.into_iter().find(|record| record.key == *key)
}
