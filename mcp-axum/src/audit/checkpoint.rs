//! The end of the chain, signed from time to time: a chain alone does not show that its end was cut off, or that somebody made everything from some record on
//! anew. Whoever has no key can make no checkpoint.

use super::chain::Head;
use crate::timestamp::rfc3339;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcp_common::private_file;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{self, Write},
    path::Path,
    time::SystemTime,
};

/// The name of their file.
pub(super) const FILE: &str = "checkpoints.jsonl";
/// A file of a key is not longer.
const MOST: u64 = 16 << 10;
/// What is signed, so that nothing else that is signed with the key is a checkpoint.
const LABEL: &str = "dynmcp audit checkpoint";
/// How the public half begins in DER (RFC 8410, section 4); the 32 bytes of the key follow.
const PUBLIC: [u8; 12] = [48, 42, 48, 5, 6, 3, 43, 101, 112, 3, 33, 0];

/// One line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) at: String,
    pub(crate) seq: u64,
    /// Of the record of that number.
    pub(crate) hash: String,
    /// Which key has signed it.
    pub(crate) key: String,
    signature: String,
}

/// Signs.
pub(super) struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// What tells whether a checkpoint is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey(Vec<u8>);

impl Signer {
    /// A private key as `openssl genpkey -algorithm ed25519` writes it.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let text = read(file)?;
        let wrong = || {
            format!(
                "`{}` has no private key of Ed25519 in PEM form; `openssl genpkey -algorithm ed25519` makes one",
                file.display()
            )
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|_| wrong())?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).map_err(|_| wrong())?;
        let public = PublicKey(pair.public_key().as_ref().to_vec());
        Ok(Self { pair, public })
    }

    #[cfg(test)]
    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Adds a checkpoint of this record to the file.
    pub(super) fn sign(&self, head: &Head, file: &Path) -> io::Result<()> {
        let mut checkpoint = Checkpoint {
            at: rfc3339(SystemTime::now()),
            seq: head.seq,
            hash: head.hash.clone(),
            key: self.public.name(),
            signature: String::new(),
        };
        checkpoint.signature = STANDARD.encode(self.pair.sign(checkpoint.signed().as_bytes()));
        let mut line = serde_json::to_vec(&checkpoint)?;
        line.push(b'\n');
        if let Some(folder) = file.parent() {
            private_file::create_folder(folder)?;
        }
        let mut file = private_file::append(file)?;
        let whole = file.metadata()?.len();
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        if written.is_err() {
            // Half of a line would spoil the next one, too.
            let _ = file.set_len(whole);
        }
        written
    }
}

impl PublicKey {
    /// A public key as `openssl pkey -pubout` writes it.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = read(file)?;
        let der = SubjectPublicKeyInfoDer::from_pem_slice(&text).ok();
        let key = der.as_ref().and_then(|der| der.as_ref().strip_prefix(&PUBLIC));
        key.map(|key| Self(key.to_vec())).ok_or_else(|| {
            format!(
                "`{}` has no public key of Ed25519 in PEM form; `openssl pkey -in KEY -pubout` makes one of the private key",
                file.display()
            )
        })
    }

    /// That of a private key.
    pub(crate) fn of_private(file: &Path) -> Result<Self, String> {
        Signer::read(file).map(|signer| signer.public)
    }

    fn name(&self) -> String {
        let digest = Sha256::digest(&self.0);
        digest[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Checkpoint {
    fn signed(&self) -> String {
        let Self { at, seq, hash, .. } = self;
        format!("{LABEL}\n{at}\n{seq}\n{hash}\n")
    }

    /// Whether the key has signed it.
    pub(super) fn is_of(&self, key: &PublicKey) -> bool {
        let signature = STANDARD.decode(&self.signature).unwrap_or_default();
        let key = UnparsedPublicKey::new(&ED25519, &key.0);
        key.verify(self.signed().as_bytes(), &signature).is_ok()
    }
}

/// All of a file in its order, each by its line, or that it is none; nothing where there is no file. A last line that is not finished is left out.
pub(super) fn checkpoints(file: &Path) -> io::Result<Vec<(usize, Option<Checkpoint>)>> {
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let lines = text[..whole].split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty());
    Ok(lines
        .map(|(index, line)| (index + 1, serde_json::from_slice(line).ok()))
        .collect())
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("`{}` cannot be read: {error}", file.display());
    match fs::metadata(file).map_err(unreadable)?.len() {
        0..=MOST => fs::read(file).map_err(unreadable),
        _ => Err(format!(
            "`{}` is no file of a key: it is too large",
            file.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl genpkey -algorithm ed25519` (3.0), and `openssl pkey -pubout` of it.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
    const PUBLIC_HALF: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_checkpoint_is_its_keys_alone_and_says_nothing_else_than_was_signed() {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = (folder.path().join("key"), folder.path().join("public"));
        fs::write(&private, PRIVATE).unwrap();
        fs::write(&public, PUBLIC_HALF).unwrap();
        let signer = Signer::read(&private).unwrap();
        assert_eq!(PublicKey::read(&public).as_ref(), Ok(signer.public()));
        let file = folder.path().join("below").join(FILE);
        assert!(checkpoints(&file).unwrap().is_empty());
        let head = Head {
            seq: 7,
            ..Head::default()
        };
        signer.sign(&head, &file).unwrap();
        signer.sign(&head, &file).unwrap();
        private_file::append(&file)
            .unwrap()
            .write_all(b"{\"at\":")
            .unwrap();
        let all = checkpoints(&file).unwrap();
        assert_eq!(all.len(), 2, "the third is not finished");
        let good = all[0].1.clone().unwrap();
        assert!(good.is_of(signer.public()) && good.seq == 7);
        for wrong in [
            Checkpoint {
                seq: 8,
                ..good.clone()
            },
            Checkpoint {
                hash: "1".repeat(64),
                ..good.clone()
            },
            Checkpoint {
                at: "2020-01-01T00:00:00Z".to_owned(),
                ..good.clone()
            },
            Checkpoint {
                signature: String::new(),
                ..good.clone()
            },
        ] {
            assert!(!wrong.is_of(signer.public()), "{wrong:?}");
        }
        for (file, text) in [(&private, PUBLIC_HALF), (&private, ""), (&public, PRIVATE)] {
            fs::write(file, text).unwrap();
        }
        assert!(Signer::read(&private).err().unwrap().contains("openssl genpkey"));
        assert!(PublicKey::read(&public).unwrap_err().contains("-pubout"));
    }
}
