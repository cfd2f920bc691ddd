//! One secret of a key, of which only the hash is kept, and the times in it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// One secret of a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySecret {
    /// The SHA-256 of the whole key, `mcp_` and all, as 64 hexadecimal digits.
    pub sha256: Digest,
    /// When it was made, RFC 3339.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// Until when it is valid, RFC 3339; as long as the key where nothing is said.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// A moment, written as RFC 3339 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub SystemTime);

impl Digest {
    /// The digest that 64 hexadecimal digits are.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(input)?;
        // What stands there instead may be the key itself.
        Self::from_hex(&text)
            .ok_or_else(|| D::Error::custom("must be the SHA-256 of the key, 64 hexadecimal digits"))
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"})
    }
}

impl Timestamp {
    /// The moment so much later; `None` after the year 9999, which RFC 3339 cannot write.
    pub fn after(at: SystemTime, time: Duration) -> Option<Self> {
        let later = at.checked_add(time).map(Self)?;
        later.written().map(|_| later)
    }

    fn written(self) -> Option<String> {
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let seconds = i64::try_from(since.as_secs()).ok()?;
        OffsetDateTime::from_unix_timestamp(seconds)
            .ok()?
            .format(&Rfc3339)
            .ok()
    }
}

impl fmt::Display for Timestamp {
    /// To the second. Times before 1970 are long past, whatever they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written().as_deref().unwrap_or("1970-01-01T00:00:00Z"))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = OffsetDateTime::parse(text, &Rfc3339);
        at.map(|at| Self(at.into()))
            .map_err(|_| "must be a time as RFC 3339 writes it: 2027-01-31T12:00:00Z")
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(input)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "examples": ["2027-01-31T12:00:00Z"]})
    }
}
