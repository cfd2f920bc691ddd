//! The refusal of what is beyond a bound.

use super::{Bound, Unit};
use std::fmt;

/// Something has more than a bound allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Exceeded {
    /// The bound.
    pub bound: Bound,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bound { key, most, unit, .. } = self.bound;
        f.write_str("has more than ")?;
        match unit {
            Unit::Bytes => bytes(most, f)?,
            Unit::Many(what) => write!(f, "{most} {what}")?,
        }
        write!(f, ", the bound `bounds.{key}` of the configuration")
    }
}

fn bytes(most: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (unit, size) in [("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if most >= size && most.is_multiple_of(size) {
            return write!(f, "{} {unit}", most / size);
        }
    }
    write!(f, "{most} bytes")
}
