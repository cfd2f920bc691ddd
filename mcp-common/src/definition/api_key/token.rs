//! What the holder of a key shows: `mcp_<id>_<secret>_<checksum>`. The id finds the key at once, however many there are; the
//! checksum tells a key that was cut off or mistyped from one that is wrong, and lets scanners for leaked secrets be sure.

/// What every key begins with.
const PREFIX: &str = "mcp_";
/// What of a key nobody can guess: 256 bits. They are written as hexadecimal digits.
pub const SECRET_BYTES: usize = 32;
const CHECKSUM_DIGITS: usize = 8;

/// A key as it is shown, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// The id of its definition.
    pub id: &'a str,
}

impl<'a> Token<'a> {
    /// The text of a key with this id and secret.
    pub fn text(id: &str, secret: &[u8; SECRET_BYTES]) -> String {
        let mut text = format!("{PREFIX}{id}_");
        text.extend(secret.iter().map(|byte| format!("{byte:02x}")));
        let checksum = crc32fast::hash(text.as_bytes());
        format!("{text}_{checksum:08x}")
    }

    /// What is shown, if it is a key of this form and its checksum is right.
    pub fn parse(shown: &'a [u8]) -> Option<Self> {
        let shown = std::str::from_utf8(shown).ok()?;
        let (text, checksum) = shown.rsplit_once('_')?;
        let (id, secret) = text.strip_prefix(PREFIX)?.rsplit_once('_')?;
        if checksum.len() != CHECKSUM_DIGITS || secret.len() != 2 * SECRET_BYTES {
            return None;
        }
        let expected = u32::from_str_radix(checksum, 16).ok()?;
        (crc32fast::hash(text.as_bytes()) == expected).then_some(Self { id })
    }

    /// Whether it is a key of this form, or was one before somebody mistyped it or cut something off: all of the secret may be there.
    pub fn is_like(shown: &[u8]) -> bool {
        let parts = shown.strip_prefix(PREFIX.as_bytes());
        let is_secret =
            |part: &[u8]| part.len() == 2 * SECRET_BYTES && part.iter().all(u8::is_ascii_hexdigit);
        Token::parse(shown).is_some()
            || parts.is_some_and(|parts| parts.split(|byte| *byte == b'_').any(is_secret))
    }
}
