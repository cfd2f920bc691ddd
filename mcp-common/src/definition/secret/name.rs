//! Names of secrets.

/// The longest name, in bytes.
pub(super) const LONGEST: usize = 64;

/// Whether this can be the name of a secret: what can stand in a path, in a file's name and in `${secret:…}`.
pub fn is_secret_name(name: &str) -> bool {
    let is_part = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_part)
}
