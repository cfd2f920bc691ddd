//! The bounds of what comes in: how many bytes, levels and values a text may have before it is parsed, and how much a
//! definition may ask for before it is compiled.
//!
//! Parsers and compilers below the gateway recurse, copy and expand without a bound of their own, so that a text of a
//! kilobyte can end the process and one of a megabyte can take gigabytes. Whoever reads something from outside asks one
//! of these first. Every refusal names the bound by its key in the configuration and its value.
//!
//! Bounds of whole messages are settings of those who receive them: `app.max_body_bytes` of a client's request,
//! `upstream.max_request_bytes` and `upstream.max_response_bytes` of a call.

mod exceeded;
mod json;

pub use exceeded::Exceeded;
pub use json::{JsonBounds, OBJECT, VALUE, depth, weight};

/// What a bound counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of a text, or of memory.
    Bytes,
    /// Values, patterns, operations: what the words say.
    Many(&'static str),
}

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The key in the section `[bounds]` of the configuration.
    pub key: &'static str,
    /// The most that is taken.
    pub most: usize,
    /// What is counted.
    pub unit: Unit,
    /// The most that the configuration may allow.
    pub ceiling: usize,
}

impl Bound {
    /// Refuses more than the bound.
    pub fn check(self, found: usize) -> Result<(), Exceeded> {
        if found > self.most {
            return Err(self.exceeded());
        }
        Ok(())
    }

    /// The refusal.
    pub fn exceeded(self) -> Exceeded {
        Exceeded { bound: self }
    }
}

/// Why a bound cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBound {
    /// There is no bound of that name.
    #[error("there is no such bound")]
    Unknown,
    /// The value is outside what a bound may be: nothing would get in, or it would not be safe.
    #[error("must be 1 to {ceiling}, above which the gateway would not be safe")]
    Value {
        /// The most that the configuration may allow.
        ceiling: usize,
    },
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Makes the struct, its defaults and its list of one row per bound.
macro_rules! bounds {
    ($($(#[$doc:meta])* $key:ident: $unit:expr, $most:expr, up to $ceiling:expr;)*) => {
        /// All bounds, each with its reason.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Bounds {
            $($(#[$doc])* pub $key: Bound,)*
        }

        impl Default for Bounds {
            fn default() -> Self {
                Self {
                    $($key: Bound { key: stringify!($key), most: $most, unit: $unit, ceiling: $ceiling },)*
                }
            }
        }

        impl Bounds {
            /// All bounds, in the order in which they are described.
            pub fn iter(&self) -> impl Iterator<Item = &Bound> {
                [$(&self.$key),*].into_iter()
            }

            fn find(&mut self, key: &str) -> Option<&mut Bound> {
                match key {
                    $(stringify!($key) => Some(&mut self.$key),)*
                    _ => None,
                }
            }
        }
    };
}

bounds! {
    /// Nesting of a call's arguments. What reads and checks them recurses on a worker's stack of 2 MiB; the JSON reader
    /// stops at 128, of which the message around the arguments has some.
    arguments_depth: Unit::Many("levels of nesting"), 100, up to 120;

    /// Values in a call's arguments. In memory each takes up to 80 bytes, 40 times what `1,` takes in the message.
    arguments_nodes: Unit::Many("values"), 250_000, up to 10_000_000;

    /// Nesting of an answer that is worked on as JSON, and of what a jq program reads out of a text.
    answer_depth: Unit::Many("levels of nesting"), 256, up to 256;

    /// Values in an answer that is worked on as JSON.
    answer_nodes: Unit::Many("values"), 1_000_000, up to 50_000_000;

    /// Size of a definition. The whole catalog is in memory, and one definition is compiled as a whole.
    definition_bytes: Unit::Bytes, MIB, up to 64 * MIB;

    /// Nesting of a definition; everything that walks one recurses.
    definition_depth: Unit::Many("levels of nesting"), 64, up to 64;

    /// Values in a definition.
    definition_nodes: Unit::Many("values"), 100_000, up to 5_000_000;

    /// Values in one schema. Compiled, one takes about a kilobyte.
    schema_nodes: Unit::Many("values"), 30_000, up to 1_000_000;

    /// Schemas that apply to one and the same value, their references followed: 26 definitions that each refer to the next
    /// one twice are two kilobytes, and 67 million schemas for one value.
    schema_expansion: Unit::Many("schemas for one value (references followed)"), 20_000, up to 1_000_000;

    /// Patterns in one schema.
    schema_patterns: Unit::Many("patterns"), 500, up to 10_000;

    /// Text of all patterns in one schema together.
    schema_pattern_bytes: Unit::Bytes, 64 * KIB, up to 4 * MIB;

    /// Memory of all patterns in one schema together, compiled; each gets the same part of it. `\p{L}{200}` takes 8 MiB.
    schema_pattern_memory: Unit::Bytes, 32 * MIB, up to 1024 * MIB;

    /// Text of one jq program. It is parsed recursively, up to once for each byte, on a stack made for it.
    jq_bytes: Unit::Bytes, 16 * KIB, up to 32 * KIB;

    /// Nesting of one jq program, chains of operators included. Running it recurses as deep, and again for each level.
    jq_depth: Unit::Many("levels of nesting"), 100, up to 128;

    /// Text of one template. It is parsed recursively, for each word of a tag, on a stack made for it; it runs flat.
    template_bytes: Unit::Bytes, 64 * KIB, up to 256 * KIB;

    /// Words in one tag of a template: the compiler looks at the rest of an expression again for each of its operators.
    template_tag_words: Unit::Many("words in one tag"), 1_000, up to 10_000;

    /// Size of a description for import.
    description_bytes: Unit::Bytes, 32 * MIB, up to 256 * MIB;

    /// Nesting of a description for import.
    description_depth: Unit::Many("levels of nesting"), 100, up to 120;

    /// Values in a description for import, those of YAML aliases included.
    description_nodes: Unit::Many("values"), 4_000_000, up to 20_000_000;

    /// Operations of a description that are imported at once.
    description_operations: Unit::Many("operations"), 20_000, up to 100_000;

    /// Seconds that one import may take; operations that come after them have no tool.
    description_seconds: Unit::Many("seconds of work"), 60, up to 600;

    /// Size of all definitions that one import makes: a description of kilobytes may refer to the same megabyte in each
    /// of its operations.
    description_tools_bytes: Unit::Bytes, 64 * MIB, up to 256 * MIB;

    /// Size of the headers of one request.
    header_bytes: Unit::Bytes, 64 * KIB, up to MIB;

    /// Headers of one request.
    headers: Unit::Many("headers"), 100, up to 1_000;
}

impl Bounds {
    /// The bounds with everything at its ceiling: for what was within the bounds when it was written down.
    pub fn widest() -> Self {
        let mut bounds = Self::default();
        let keys: Vec<_> = bounds.iter().map(|bound| bound.key).collect();
        for bound in keys.into_iter() {
            if let Some(bound) = bounds.find(bound) {
                bound.most = bound.ceiling;
            }
        }
        bounds
    }

    /// Replaces the value of one bound.
    pub fn set(&mut self, key: &str, most: usize) -> Result<(), NoBound> {
        let bound = self.find(key).ok_or(NoBound::Unknown)?;
        if !(1..=bound.ceiling).contains(&most) {
            let ceiling = bound.ceiling;
            return Err(NoBound::Value { ceiling });
        }
        bound.most = most;
        Ok(())
    }

    /// The arguments of a call.
    pub fn arguments(&self) -> JsonBounds {
        JsonBounds::new(self.arguments_depth, self.arguments_nodes)
    }

    /// An answer that is worked on as JSON.
    pub fn answer(&self) -> JsonBounds {
        JsonBounds::new(self.answer_depth, self.answer_nodes)
    }

    /// A definition.
    pub fn definition(&self) -> JsonBounds {
        JsonBounds::new(self.definition_depth, self.definition_nodes).with_bytes(self.definition_bytes)
    }

    /// A description for import, where it is JSON.
    pub fn description(&self) -> JsonBounds {
        JsonBounds::new(self.description_depth, self.description_nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_lowered_and_raised_up_to_their_ceilings() {
        let mut bounds = Bounds::default();
        bounds.set("jq_bytes", 1).unwrap();
        assert_eq!(bounds.jq_bytes.most, 1);
        let ceiling = bounds.jq_bytes.ceiling;
        bounds.set("jq_bytes", ceiling).unwrap();
        for wrong in [0, ceiling + 1] {
            assert_eq!(bounds.set("jq_bytes", wrong), Err(NoBound::Value { ceiling }));
        }
        assert_eq!(bounds.set("jq_byte", 1), Err(NoBound::Unknown));
    }

    #[test]
    fn refusals_name_the_bound_and_its_value() {
        let bounds = Bounds::default();
        assert_eq!(bounds.jq_bytes.check(16 << 10), Ok(()));
        assert_eq!(
            bounds.jq_bytes.check((16 << 10) + 1).unwrap_err().to_string(),
            "has more than 16 KiB, the bound `bounds.jq_bytes` of the configuration"
        );
        assert_eq!(
            bounds.schema_patterns.exceeded().to_string(),
            "has more than 500 patterns, the bound `bounds.schema_patterns` of the configuration"
        );
    }
}
