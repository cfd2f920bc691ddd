//! A short name for a long text.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The beginning of the text's SHA-256 in hex.
pub(crate) fn digest(text: &str, digits: usize) -> String {
    let mut out = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out.truncate(digits);
    out
}
