//! The keys of the configuration that secrets of the store are encrypted with: AES-256-GCM, a random nonce for each value, and the secret's
//! name in what is authenticated, so that no ciphertext stands in for another.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use mcp_common::secret::{ExposeSecret, Secret};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// A text that is no encoded key has at least so many.
const LEAST_TEXT: usize = 32;
/// More are no rotation.
const MOST_KEYS: usize = 16;
/// Hexadecimal digits of a key's version.
const VERSION_DIGITS: usize = 12;
/// What a key is for, so that nothing else that is made of it is the same.
const VERSION_LABEL: &[u8] = b"dynmcp secrets: version of a key\0";
const MARK_LABEL: &[u8] = b"dynmcp secrets: marks of values\0";
const TEXT_LABEL: &[u8] = b"dynmcp secrets: key of a text\0";
const SEALED_LABEL: &str = "dynmcp secrets: value 1";

/// One or several keys: values are encrypted with the first, and opened with the one that they name. Clones share them.
#[derive(Clone)]
pub struct SecretKeys(Arc<[Key]>);

struct Key {
    version: String,
    key: LessSafeKey,
    /// What values are told apart with where they must not be seen.
    marks: hmac::Key,
}

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The key that opens it.
    pub version: String,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// Why there are no keys. Never repeats one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKeys {
    /// Nothing is there.
    #[error("has no key in it")]
    Empty,
    /// A text that can be guessed is no key.
    #[error(
        "key {0} is no key: write 32 random bytes as base64 or as 64 hexadecimal digits (`openssl rand -base64 32`), or a text of at least {LEAST_TEXT} characters"
    )]
    Weak(usize),
    /// Two are the same.
    #[error("key {0} stands there twice")]
    Twice(usize),
    /// More than there can be.
    #[error("has more than {MOST_KEYS} keys")]
    TooMany,
}

impl SecretKeys {
    /// The keys of a text, between line breaks or commas.
    pub fn parse(text: &Secret) -> Result<Self, NoKeys> {
        let words = text.expose_secret().split([',', '\n']).map(str::trim);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Err(NoKeys::Empty);
        }
        if words.len() > MOST_KEYS {
            return Err(NoKeys::TooMany);
        }
        let mut keys: Vec<Key> = Vec::new();
        for (index, word) in words.into_iter().enumerate() {
            let bytes = key_bytes(word).ok_or(NoKeys::Weak(index + 1))?;
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| NoKeys::Weak(index + 1))?;
            let version = version_of(&bytes);
            if keys.iter().any(|known| known.version == version) {
                return Err(NoKeys::Twice(index + 1));
            }
            keys.push(Key {
                version,
                key: LessSafeKey::new(key),
                marks: hmac::Key::new(hmac::HMAC_SHA256, &derived(MARK_LABEL, &bytes)),
            });
        }
        Ok(Self(keys.into()))
    }

    /// The version of the key that values are encrypted with now.
    pub fn current(&self) -> &str {
        self.0.first().map_or("", |key| &key.version)
    }

    /// The same for equal values, by which nobody can look for a value who does not have the key.
    pub fn mark(&self, name: &str, value: &Secret) -> Option<String> {
        let mut context = hmac::Context::with_key(&self.0.first()?.marks);
        context.update(name.as_bytes());
        context.update(b"\0");
        context.update(value.expose_secret().as_bytes());
        let mark = context.sign();
        Some(mark.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Encrypts a value for the secret of this name.
    pub fn seal(&self, name: &str, value: &str) -> Result<Sealed, String> {
        let broken = |_| "cannot be encrypted".to_owned();
        let key = self
            .0
            .first()
            .ok_or_else(|| "cannot be encrypted: there is no key".to_owned())?;
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| format!("cannot be encrypted: {error}"))?;
        let mut text = value.as_bytes().to_vec();
        let tag = key.key.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound_to(name, &key.version)),
            &mut text,
        );
        let tag = tag.map_err(broken)?;
        let bytes = [&nonce, &*text, tag.as_ref()].concat();
        Ok(Sealed {
            version: key.version.clone(),
            bytes,
        })
    }

    /// The value of the secret of this name, or why it cannot be opened.
    pub fn open(&self, name: &str, sealed: &Sealed) -> Result<Secret, String> {
        let version = &sealed.version;
        let Some(key) = self.0.iter().find(|key| key.version == *version) else {
            return Err(format!(
                "cannot be opened: it is encrypted with the key `{version}`, which is not among those of `secrets.key` or `secrets.key_file`"
            ));
        };
        let broken = || {
            "cannot be opened: its ciphertext is damaged, or is that of another secret; write the value anew"
                .to_owned()
        };
        let (nonce, text) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut text = text.to_vec();
        let opened = key
            .key
            .open_in_place(nonce, Aad::from(bound_to(name, version)), &mut text);
        let opened = opened.map_err(|_| broken())?;
        let value = std::str::from_utf8(opened).map_err(|_| broken())?;
        Ok(Secret::from(value))
    }
}

/// What a ciphertext is of: of another secret, or by another key, it is none.
fn bound_to(name: &str, version: &str) -> Vec<u8> {
    format!("{SEALED_LABEL}\0{version}\0{name}").into_bytes()
}

/// The 32 bytes that a word says, or those that are made of a long text.
fn key_bytes(word: &str) -> Option<[u8; KEY_BYTES]> {
    if word.len() == 2 * KEY_BYTES
        && let Some(bytes) = hexadecimal(word)
    {
        return Some(bytes);
    }
    let decoded = [&STANDARD, &URL_SAFE, &URL_SAFE_NO_PAD]
        .into_iter()
        .find_map(|engine| engine.decode(word).ok()?.try_into().ok());
    if decoded.is_some() {
        return decoded;
    }
    (word.chars().count() >= LEAST_TEXT).then(|| {
        Sha256::new()
            .chain_update(TEXT_LABEL)
            .chain_update(word)
            .finalize()
            .into()
    })
}

fn hexadecimal(word: &str) -> Option<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    if !word.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(word.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Another key, of which this one is not known.
fn derived(label: &[u8], bytes: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    Sha256::new()
        .chain_update(label)
        .chain_update(bytes)
        .finalize()
        .into()
}

/// Says which key it is, and nothing of the key.
fn version_of(bytes: &[u8; KEY_BYTES]) -> String {
    let mut version: String = derived(VERSION_LABEL, bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    version.truncate(VERSION_DIGITS);
    version
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions = self.0.iter().map(|key| &key.version);
        f.debug_list().entries(versions).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> SecretKeys {
        SecretKeys::parse(&Secret::from(text)).unwrap()
    }

    const FIRST: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const SECOND: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn what_is_sealed_opens_under_its_name_and_its_key_alone() {
        let all = keys(&format!("{FIRST}\n{SECOND}"));
        let sealed = all.seal("billing", "s3cr3t").unwrap();
        assert_eq!(sealed.version, all.current());
        assert_eq!(all.open("billing", &sealed).unwrap().expose_secret(), "s3cr3t");
        assert_ne!(all.seal("billing", "s3cr3t").unwrap().bytes, sealed.bytes);
        let mark = |name: &str, value: &str| all.mark(name, &Secret::from(value)).unwrap();
        assert_eq!(mark("billing", "s3cr3t"), mark("billing", "s3cr3t"));
        assert_ne!(mark("billing", "s3cr3t"), mark("billing", "s3cr3u"));
        assert_ne!(mark("billing", "s3cr3t"), mark("billin", "gs3cr3t"));
        let others = keys(SECOND).mark("billing", &Secret::from("s3cr3t"));
        assert_ne!(others.unwrap(), mark("billing", "s3cr3t"));
        // In another order, as while keys are replaced.
        let other = keys(&format!("{SECOND},{FIRST}"));
        assert_eq!(other.open("billing", &sealed).unwrap().expose_secret(), "s3cr3t");
        assert_ne!(other.current(), all.current());
        let swapped = all.open("shipping", &sealed).unwrap_err();
        assert!(swapped.contains("of another secret"), "{swapped}");
        let unknown = keys(SECOND).open("billing", &sealed).unwrap_err();
        assert!(
            unknown.contains(&sealed.version) && unknown.contains("secrets.key"),
            "{unknown}"
        );
        let lied = Sealed {
            version: keys(SECOND).current().to_owned(),
            ..sealed.clone()
        };
        assert!(other.open("billing", &lied).is_err());
        for length in 0..sealed.bytes.len() {
            let cut = Sealed {
                bytes: sealed.bytes[..length].to_vec(),
                ..sealed.clone()
            };
            assert!(all.open("billing", &cut).is_err(), "{length}");
        }
        for index in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[index] ^= 1;
            assert!(all.open("billing", &changed).is_err(), "{index}");
        }
    }

    #[test]
    fn keys_are_read_in_each_spelling_and_never_repeated() {
        let bytes: [u8; 32] = std::array::from_fn(|index| (index as u8).wrapping_mul(7).wrapping_add(200));
        let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let version = keys(&hexadecimal).current().to_owned();
        for text in [
            STANDARD.encode(bytes),
            URL_SAFE.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
        ] {
            assert_eq!(keys(&text).current(), version);
        }
        assert_eq!(version.len(), VERSION_DIGITS);
        // As older servers had it.
        assert_ne!(keys("a sentence of 32 characters here").current(), version);
        let refused = |text: &str| SecretKeys::parse(&Secret::from(text)).unwrap_err().to_string();
        assert!(refused(" \n").contains("no key"));
        assert!(refused(&format!("{FIRST}\nhunter2")).starts_with("key 2 is no key"));
        assert!(!refused("hunter2").contains("hunter2"));
        assert!(refused(&format!("{FIRST}, {FIRST}")).contains("twice"));
        assert!(!format!("{:?}", keys(FIRST)).contains("MDEy"));
    }
}
