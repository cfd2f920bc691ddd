//! Sizes: bytes as a number, or a text such as `4MiB`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// For buffers in memory.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = UNITS
            .iter()
            .find_map(|(name, factor)| Some((text.strip_suffix(name)?, *factor)));
        let (number, factor) = unit.unwrap_or((text, 1));
        let number: u64 = number.trim().parse().ok()?;
        Some(Self(number.checked_mul(factor)?))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole =
            |(_, factor): &&(&str, u64)| *factor > 1 && self.0 >= *factor && self.0.is_multiple_of(*factor);
        match UNITS.iter().rev().find(whole) {
            Some((name, factor)) => write!(f, "{}{name}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size: bytes as a number, or a text such as \"512KiB\" or \"4MiB\"")
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                let negative = |_| E::invalid_value(de::Unexpected::Signed(bytes), &self);
                u64::try_from(bytes).map(Size).map_err(negative)
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
                Ok(Size(bytes))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                Size::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        input.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_shows() {
        for (text, bytes) in [
            ("0", 0),
            ("1000", 1000),
            ("512KiB", 524_288),
            ("4MiB", 4_194_304),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
            assert_eq!(Size(bytes).to_string(), text);
        }
        assert_eq!(Size::parse("1025B"), Some(Size(1025)));
        for wrong in ["", "MiB", "-1", "4MB", "1.5MiB", "99999999999GiB"] {
            assert_eq!(Size::parse(wrong), None, "{wrong}");
        }
    }
}
