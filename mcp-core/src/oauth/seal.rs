//! What is kept of logins, sealed (AES-256-GCM): who finds the files, in a backup for instance, has nothing without the key. Each text is sealed for
//! its place, so that one file does not take the place of another.

use mcp_common::private_file;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use std::{
    fmt, fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// Before what is sealed: how it is.
const MAGIC: &[u8] = b"dynmcp sealed 1\n";
/// Of a file with a key.
const KEY_LEN: usize = 32;
/// What keys made of one secret are told apart by.
const PURPOSE: &[u8] = b"dynmcp: logins to upstreams";

/// The key of a gateway. Clones are the same.
#[derive(Clone)]
pub struct Seal(Arc<Inner>);

struct Inner {
    /// Where the key is, and is made when something is sealed for the first time; `None` where it is of a secret.
    file: Option<PathBuf>,
    key: OnceLock<LessSafeKey>,
    /// Held while it is read or made: there is one.
    looking: Mutex<()>,
}

impl Seal {
    /// Under a key that is made of this secret.
    pub fn of_secret(secret: &[u8]) -> Self {
        Self(Arc::new(Inner {
            file: None,
            key: key_of(secret).map_or_else(OnceLock::new, OnceLock::from),
            looking: Mutex::default(),
        }))
    }

    /// Under a key in this file, for the gateway's user alone.
    pub fn of_file(file: PathBuf) -> Self {
        Self(Arc::new(Inner {
            file: Some(file),
            key: OnceLock::new(),
            looking: Mutex::default(),
        }))
    }

    /// Seals a text for this place.
    pub fn close(&self, place: &str, text: Vec<u8>) -> Result<Vec<u8>, String> {
        let key = self.key(true)?;
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| format!("there is no randomness: {error}"))?;
        let mut sealed = text;
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.as_bytes()),
            &mut sealed,
        )
        .map_err(|_| "it cannot be sealed".to_owned())?;
        Ok([MAGIC, &nonce, &sealed].concat())
    }

    /// The text that was sealed for this place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let rest = sealed.strip_prefix(MAGIC);
        let parts = rest.and_then(|rest| rest.split_first_chunk::<NONCE_LEN>());
        let (nonce, text) = parts.ok_or("it is not as it was written")?;
        let mut text = text.to_vec();
        let opened = self.key(false)?.open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(place.as_bytes()),
            &mut text,
        );
        let opened = opened.map_err(|_| "it was written under another key, or changed")?;
        let length = opened.len();
        text.truncate(length);
        Ok(text)
    }

    fn key(&self, may_make: bool) -> Result<&LessSafeKey, String> {
        let inner = &*self.0;
        if let Some(key) = inner.key.get() {
            return Ok(key);
        }
        let file = inner.file.as_ref().ok_or("there is no key")?;
        let _looking = inner.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = inner.key.get() {
            return Ok(key);
        }
        let said = |error: &dyn fmt::Display| format!("its key `{}`: {error}", file.display());
        let bytes = match fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_make => {
                let mut bytes = vec![0; KEY_LEN];
                getrandom::fill(&mut bytes).map_err(|error| said(&error))?;
                private_file::replace(file, &bytes).map_err(|error| said(&error))?;
                bytes
            }
            read => read.map_err(|error| said(&error))?,
        };
        if bytes.len() != KEY_LEN {
            return Err(said(&format!("it is not of {KEY_LEN} bytes")));
        }
        let key = key_of(&bytes).ok_or_else(|| said(&"it is none"))?;
        Ok(inner.key.get_or_init(|| key))
    }
}

/// RFC 5869.
fn key_of(secret: &[u8]) -> Option<LessSafeKey> {
    let prk = Salt::new(HKDF_SHA256, &[]).extract(secret);
    let key: UnboundKey = prk.expand(&[PURPOSE], &AES_256_GCM).ok()?.into();
    Some(LessSafeKey::new(key))
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_at_its_place_under_its_key_and_as_it_is() {
        let seal = Seal::of_secret(b"a secret");
        let sealed = seal.close("a.login", b"refresh".to_vec()).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"refresh"));
        assert_ne!(sealed, seal.close("a.login", b"refresh".to_vec()).unwrap());
        assert_eq!(seal.open("a.login", &sealed).unwrap(), b"refresh");
        let same = Seal::of_secret(b"a secret");
        assert_eq!(same.open("a.login", &sealed).unwrap(), b"refresh");
        assert!(seal.open("b.login", &sealed).is_err());
        assert!(Seal::of_secret(b"another").open("a.login", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal.open("a.login", &changed).is_err(), "{at}");
            assert!(seal.open("a.login", &sealed[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn a_key_in_a_file_is_made_once_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data/logins.key");
        let seal = || Seal::of_file(file.clone());
        assert!(seal().open("a", MAGIC).is_err());
        assert!(!file.exists(), "nothing is made to look");
        let sealed = seal().close("a", b"text".to_vec()).unwrap();
        assert_eq!(seal().open("a", &sealed).unwrap(), b"text");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&file, "short").unwrap();
        let told = seal().open("a", &sealed).unwrap_err();
        assert!(told.contains("is not of 32 bytes"), "{told}");
        assert!(seal().close("a", Vec::new()).is_err(), "it is not written over");
    }
}
