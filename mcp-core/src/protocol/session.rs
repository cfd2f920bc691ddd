//! Sessions of `streamable-stateful` instances. A session id is a signed statement (instance, principal, revision, what
//! the client answers, expiry), so that any replica with the same secret accepts it and nothing is stored per client; only deletion is
//! remembered, until the id would have expired anyway.

use crate::{relay::ClientCan, spec::Legacy};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use moka::{policy::EvictionPolicy, sync::Cache};
use sha2::{Digest, Sha256};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Deleted ids that are remembered at the most.
const MAX_DELETED: u64 = 100_000;
const DIGEST: usize = 8;
const PAYLOAD: usize = 8 + 1 + 1 + 8 + 2 * DIGEST;
const TAG: usize = 16;

/// Makes and checks session ids.
pub(super) struct Sessions {
    secret: [u8; 32],
    lifetime: Duration,
    deleted: Cache<String, ()>,
}

/// What a client and an instance agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) version: Legacy,
    pub(super) client: ClientCan,
}

/// A session that a request belongs to.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) id: Arc<str>,
    pub(super) agreed: Agreed,
}

/// Why an id is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown;

impl Sessions {
    pub(super) fn new(secret: [u8; 32], lifetime: Duration) -> Self {
        let deleted = Cache::builder()
            .max_capacity(MAX_DELETED)
            // What was deleted last is what somebody may still try.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(lifetime)
            .build();
        Self {
            secret,
            lifetime,
            deleted,
        }
    }

    /// A new id: 0x21..0x7E only, as the specification asks.
    pub(super) fn issue(&self, instance: &str, principal: &str, agreed: Agreed) -> Option<String> {
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).ok()?;
        let expires = (SystemTime::now() + self.lifetime)
            .duration_since(UNIX_EPOCH)
            .ok()?
            .as_secs();
        let mut bytes = Vec::with_capacity(PAYLOAD + TAG);
        bytes.extend_from_slice(&expires.to_be_bytes());
        bytes.push(agreed.version as u8);
        bytes.push(agreed.client.bits());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&digest(instance));
        bytes.extend_from_slice(&digest(principal));
        let tag = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG]);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What was agreed with a valid id of this instance and principal.
    pub(super) fn check(&self, id: &str, instance: &str, principal: &str) -> Result<Agreed, Unknown> {
        let payload = self.open(id)?;
        let owner = &payload[18..];
        if owner[..DIGEST] != digest(instance) || owner[DIGEST..] != digest(principal) {
            return Err(Unknown);
        }
        agreed(&payload)
    }

    /// What was agreed with a valid id, whoever shows it: for the log alone.
    pub(super) fn recall(&self, id: &str) -> Option<Agreed> {
        agreed(&self.open(id).ok()?).ok()
    }

    /// The statement that a valid id is.
    fn open(&self, id: &str) -> Result<Vec<u8>, Unknown> {
        let mut bytes = URL_SAFE_NO_PAD.decode(id).map_err(|_| Unknown)?;
        if bytes.len() != PAYLOAD + TAG || self.deleted.contains_key(id) {
            return Err(Unknown);
        }
        let (payload, tag) = bytes.split_at(PAYLOAD);
        self.mac(payload)
            .verify_truncated_left(tag)
            .map_err(|_| Unknown)?;
        let expires = payload[..8]
            .try_into()
            .map(u64::from_be_bytes)
            .map_err(|_| Unknown)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(|_| Unknown)?
            .as_secs();
        if now >= expires {
            return Err(Unknown);
        }
        bytes.truncate(PAYLOAD);
        Ok(bytes)
    }

    /// Ends a session: from now on its id is unknown on this replica.
    pub(super) fn delete(&self, id: &str) {
        self.deleted.insert(id.to_owned(), ());
    }

    /// A tag that nobody can write who has not the secret.
    pub(super) fn tag(&self, text: &str) -> String {
        let tag = self.mac(text.as_bytes()).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(&tag[..12])
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        // The key is shorter than the block of the hash, so that padding it is all that HMAC would do (RFC 2104).
        let mut block = [0_u8; 64];
        block[..self.secret.len()].copy_from_slice(&self.secret);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(bytes);
        mac
    }
}

fn agreed(payload: &[u8]) -> Result<Agreed, Unknown> {
    let version = Legacy::from_number(payload[8]).ok_or(Unknown)?;
    let client = ClientCan::from_bits(payload[9]);
    Ok(Agreed { version, client })
}

fn digest(text: &str) -> [u8; DIGEST] {
    let full = Sha256::digest(text.as_bytes());
    let mut short = [0; DIGEST];
    short.copy_from_slice(&full[..DIGEST]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(version: Legacy) -> Agreed {
        let client = ClientCan::from_bits(5);
        Agreed { version, client }
    }

    fn sessions() -> Sessions {
        Sessions::new([7; 32], Duration::from_secs(60))
    }

    #[test]
    fn an_id_is_good_for_its_instance_and_principal_on_every_replica_with_the_secret() {
        let id = sessions()
            .issue("shop", "ann", agreed(Legacy::V2025_06_18))
            .unwrap();
        assert!(id.bytes().all(|b| (0x21..=0x7e).contains(&b)));
        assert_eq!(
            sessions().check(&id, "shop", "ann"),
            Ok(agreed(Legacy::V2025_06_18))
        );
        assert_eq!(sessions().recall(&id), Some(agreed(Legacy::V2025_06_18)));
        assert_eq!(sessions().check(&id, "bank", "ann"), Err(Unknown));
        assert_eq!(sessions().check(&id, "shop", "bob"), Err(Unknown));
        assert_eq!(
            Sessions::new([8; 32], Duration::from_secs(60)).check(&id, "shop", "ann"),
            Err(Unknown)
        );
    }

    #[test]
    fn forged_expired_and_deleted_ids_are_unknown() {
        let sessions = sessions();
        let id = sessions.issue("shop", "ann", agreed(Legacy::LATEST)).unwrap();
        let other = if &id[20..21] == "A" { "B" } else { "A" };
        let forged = format!("{}{other}{}", &id[..20], &id[21..]);
        for wrong in ["", "x", &id[1..], &forged] {
            assert_eq!(sessions.check(wrong, "shop", "ann"), Err(Unknown), "{wrong}");
        }
        sessions.delete(&id);
        assert_eq!(sessions.check(&id, "shop", "ann"), Err(Unknown));
        assert_eq!(sessions.recall(&id), None);
        let over = Sessions::new([7; 32], Duration::ZERO);
        let id = over.issue("shop", "ann", agreed(Legacy::LATEST)).unwrap();
        assert_eq!(over.check(&id, "shop", "ann"), Err(Unknown));
    }
}
