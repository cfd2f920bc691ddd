//! The last key of the store with which somebody may write keys: without it nobody could make another one.

use crate::tool::StoredTool;
use mcp_common::{
    authenticator::{Gathered, KeyRing},
    catalog::Snapshot,
    definition::{ApiKeyDefinition, api_key::ApiKeyStatus},
    document::Document,
    key::{Key, Kind},
};
use std::time::SystemTime;

/// Whoever may do this can make keys that may do everything.
const RIGHT: &str = "admin/keys/write";

/// Whether nobody could write keys any more with a key of the store, who can now, if this were stored under the key, or nothing.
pub(super) fn is_lost(
    snapshot: &Snapshot<StoredTool>,
    key: &Key,
    document: Option<&Document>,
    now: SystemTime,
) -> bool {
    if key.kind != Kind::API_KEY {
        return false;
    }
    let is_admin = |held: &ApiKeyDefinition| lets_in(held, now) && may_write(held, snapshot);
    let was_one = snapshot.key(&key.id).is_some_and(|(held, _)| is_admin(&held));
    if !was_one {
        return false;
    }
    let read = document.and_then(|document| ApiKeyDefinition::read(&key.id, document).ok());
    if read.is_some_and(|read| is_admin(&read.definition)) {
        return false;
    }
    let keys = snapshot.documents(Kind::API_KEY).into_iter();
    let mut others = keys.flat_map(|keys| keys.iter()).filter(|(id, _)| **id != key.id);
    !others.any(|(_, entry)| entry.definition::<ApiKeyDefinition>().is_some_and(is_admin))
}

fn lets_in(key: &ApiKeyDefinition, now: SystemTime) -> bool {
    let mut secrets = key.secrets.iter();
    key.status == ApiKeyStatus::Active && secrets.any(|secret| key.end_of(secret).is_none_or(|end| end > now))
}

fn may_write(key: &ApiKeyDefinition, snapshot: &Snapshot<StoredTool>) -> bool {
    Gathered::of(key, snapshot).rights.admin(RIGHT).is_some()
}
