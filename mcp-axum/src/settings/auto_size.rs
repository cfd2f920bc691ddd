//! A size, or "auto".

use mcp_common::byte_size::ByteSize;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IntoDeserializer};

/// A number of bytes that may depend on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoSize {
    /// The size that the key's comment says.
    Auto,
    /// The size that the operator says.
    Bytes(ByteSize),
}

impl Serialize for AutoSize {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => output.serialize_str("auto"),
            Self::Bytes(size) => size.serialize(output),
        }
    }
}

impl<'de> Deserialize<'de> for AutoSize {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        // A number in a file, a text in the environment: both can be had as text.
        let text = String::deserialize(input)?;
        if text == "auto" {
            return Ok(Self::Auto);
        }
        ByteSize::deserialize(text.into_deserializer()).map(Self::Bytes)
    }
}
