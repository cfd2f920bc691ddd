//! The hashes of bodies that signatures have in them: made once for a call, however often it is sent, and of large bodies where
//! no other calls wait for it.

use super::hexadecimal;
use crate::engine::{Engine, failure::Failure};
use bytes::Bytes;
use ring::digest::{Algorithm, SHA256, SHA512, digest};
use std::sync::{Mutex, PoisonError};

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha512,
}

/// Those that a call has made already.
#[derive(Debug, Default)]
pub(crate) struct Hashed(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    body: Bytes,
    hash: Hash,
    text: String,
}

impl Hash {
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        }
    }

    /// In hexadecimal digits.
    pub(super) fn of(self, body: &[u8]) -> String {
        hexadecimal(digest(self.algorithm(), body).as_ref())
    }
}

impl Hashed {
    /// Makes what is not made yet. `owner`: whose turn it is where large ones wait for each other.
    pub(super) async fn make(
        &self,
        engine: &Engine,
        owner: &str,
        hash: Hash,
        body: &Bytes,
    ) -> Result<(), Failure> {
        if self.known(hash, body).is_some() {
            return Ok(());
        }
        let hashed = body.clone();
        let text = engine.aside(body.len(), owner, move || hash.of(&hashed)).await?;
        let body = body.clone();
        self.lock().push(Known { body, hash, text });
        Ok(())
    }

    /// Bodies of attempts are the same bytes at the same place.
    pub(super) fn known(&self, hash: Hash, body: &Bytes) -> Option<String> {
        let known = self.lock();
        let is_it = |known: &&Known| {
            known.hash == hash && known.body.as_ptr() == body.as_ptr() && known.body.len() == body.len()
        };
        known.iter().find(is_it).map(|known| known.text.clone())
    }

    /// Nothing is done with it that could panic.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
