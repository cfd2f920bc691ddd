//! Sizes in definitions and in the configuration: a number of bytes, or a text with a unit.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt};

/// A number of bytes, written `65536`, `"64KiB"` or `"1.5 MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 11] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kb", 1_000),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1_000_000),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1_000_000_000),
    ("gib", 1 << 30),
];

/// The units in which sizes are shown, the largest first.
const SHOWN: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl ByteSize {
    /// The size of a buffer in memory.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit_start = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_start);
        let unit = unit.trim();
        let factor = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?.1;
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Self);
        }
        let bytes = number.parse::<f64>().ok()? * factor as f64;
        (bytes.is_finite() && bytes < (1_u64 << 53) as f64).then_some(Self(bytes as u64))
    }
}

/// In the largest unit that needs no fraction.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, factor): &&(&str, u64)| self.0 >= *factor && self.0.is_multiple_of(*factor);
        match SHOWN.iter().find(whole) {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Size;

        impl de::Visitor<'_> for Size {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size: bytes as a number, or a text such as \"512KiB\" or \"4MiB\"")
            }

            /// TOML has no other numbers.
            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
                let negative = |_| E::invalid_value(de::Unexpected::Signed(bytes), &self);
                u64::try_from(bytes).map(ByteSize).map_err(negative)
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                ByteSize::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        input.deserialize_any(Size)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Bytes: a number, or a text with a unit (b, k, KB, KiB, m, MB, MiB, g, GB, GiB).",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": r"^\s*[0-9]+(\.[0-9]*)?\s*([bB]|[kKmMgG]|[kKmMgG][bB]|[kKmMgG][iI][bB])?\s*$",
            "patternErrorMessage": "Must be a number of bytes, or a text such as \"1MiB\"",
            "examples": ["64KiB", "1MiB", 65536],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSize;

    #[test]
    fn units_are_understood_in_any_letter_case() {
        let table = [
            ("0", Some(0)),
            ("65536", Some(65536)),
            ("1MiB", Some(1 << 20)),
            ("8 mib", Some(8 << 20)),
            ("2kb", Some(2_000)),
            ("1.5KiB", Some(1_536)),
            ("1GiB", Some(1 << 30)),
            ("2g", Some(2 << 30)),
            ("1025B", Some(1_025)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1 PiB", None),
            ("1..5MiB", None),
            ("99999999999999GiB", None),
        ];
        for (text, bytes) in table {
            assert_eq!(ByteSize::parse(text).map(|size| size.0), bytes, "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for (text, bytes) in [
            ("0", 0),
            ("1000", 1_000),
            ("512KiB", 512 << 10),
            ("4MiB", 4 << 20),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(ByteSize(bytes).to_string(), text);
            assert_eq!(ByteSize::parse(text), Some(ByteSize(bytes)), "{text}");
        }
    }
}
