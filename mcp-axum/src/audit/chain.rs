//! What makes the records of a replica one chain: each has a number, the hash of the one before, and the hash of itself, which is that
//! of its own text up to `,"hash":`. Whoever changes, removes or moves one has to make all later ones anew.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What stands before the hash at the end of a line.
const MARK: &str = ",\"hash\":\"";
const DIGITS: usize = 64;

/// The last record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Head {
    /// Its number; 0 before the first.
    pub(crate) seq: u64,
    /// Its hash in hexadecimal digits; zeros before the first.
    pub(crate) hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            seq: 0,
            hash: "0".repeat(DIGITS),
        }
    }
}

/// A record without its place.
#[derive(Serialize)]
struct Placed<'a, T> {
    seq: u64,
    #[serde(flatten)]
    record: &'a T,
    prev: &'a str,
}

/// The place of a record that is whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) prev: String,
    pub(super) head: Head,
}

#[derive(Deserialize)]
struct Place {
    seq: u64,
    prev: String,
}

impl Head {
    /// Appends the record's line; it is the last one then.
    pub(super) fn seal(&mut self, record: &impl Serialize, lines: &mut Vec<u8>) -> serde_json::Result<()> {
        let placed = Placed {
            seq: self.seq + 1,
            record,
            prev: &self.hash,
        };
        let mut text = serde_json::to_string(&placed)?;
        text.pop();
        let hash = hex(&Sha256::digest(text.as_bytes()));
        lines.extend_from_slice(text.as_bytes());
        lines.extend_from_slice(MARK.as_bytes());
        lines.extend_from_slice(hash.as_bytes());
        lines.extend_from_slice(b"\"}\n");
        self.seq += 1;
        self.hash = hash;
        Ok(())
    }
}

impl Sealed {
    /// Reads a line, without its end; says why it is no record that was written like this.
    pub(super) fn read(line: &[u8]) -> Result<Self, &'static str> {
        let (text, rest) = line
            .len()
            .checked_sub(MARK.len() + DIGITS + 2)
            .map(|at| line.split_at(at))
            .ok_or("it is too short")?;
        let hash = rest
            .strip_prefix(MARK.as_bytes())
            .and_then(|rest| rest.strip_suffix(b"\"}"))
            .and_then(|hash| std::str::from_utf8(hash).ok())
            .ok_or("it does not end with a hash")?;
        if hex(&Sha256::digest(text)) != hash {
            return Err("its hash is not that of its text");
        }
        // Nobody else made it, but for one who can compute hashes.
        let whole = [text, b"}"].concat();
        let Place { seq, prev } = serde_json::from_slice(&whole).map_err(|_| "it has no place in a chain")?;
        Ok(Self {
            prev,
            head: Head {
                seq,
                hash: hash.to_owned(),
            },
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(DIGITS), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_what_was_written() {
        let mut head = Head::default();
        let mut lines = Vec::new();
        head.seal(&json!({"action": "a", "hash": "of nothing"}), &mut lines)
            .unwrap();
        head.seal(&json!({"action": "b"}), &mut lines).unwrap();
        let lines: Vec<_> = lines.trim_ascii_end().split(|byte| *byte == b'\n').collect();
        let (first, second) = (Sealed::read(lines[0]).unwrap(), Sealed::read(lines[1]).unwrap());
        assert_eq!(first.prev, Head::default().hash);
        assert_eq!(second.prev, first.head.hash);
        assert_eq!((first.head.seq, &second.head), (1, &head));
        for at in [0, lines[1].len() / 2, lines[1].len() - 3] {
            let mut other = lines[1].to_vec();
            other[at] ^= 1;
            assert!(Sealed::read(&other).is_err(), "byte {at}");
        }
        for cut in 0..lines[1].len() {
            assert!(Sealed::read(&lines[1][..cut]).is_err(), "{cut}");
        }
    }
}
