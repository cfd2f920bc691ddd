//! What a client of an older revision said in `initialize` that it answers.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The requests that a client answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCan(u8);

#[derive(Default, Deserialize)]
struct Declared {
    #[serde(default)]
    sampling: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    elicitation: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    roots: Option<serde::de::IgnoredAny>,
}

impl ClientCan {
    const SAMPLE: u8 = 1;
    const ELICIT: u8 = 2;
    const ROOTS: u8 = 4;

    /// Reads the `capabilities` of `initialize`; what cannot be read declares nothing.
    pub fn read(capabilities: Option<&RawValue>) -> Self {
        let declared = capabilities.and_then(|raw| serde_json::from_str::<Declared>(raw.get()).ok());
        let declared = declared.unwrap_or_default();
        let bit = |is_declared, bit| if is_declared { bit } else { 0 };
        Self(
            bit(declared.sampling.is_some(), Self::SAMPLE)
                | bit(declared.elicitation.is_some(), Self::ELICIT)
                | bit(declared.roots.is_some(), Self::ROOTS),
        )
    }

    /// Whether the client answers this request.
    pub fn answers(self, method: &str) -> bool {
        let needed = match method {
            "sampling/createMessage" => Self::SAMPLE,
            "elicitation/create" => Self::ELICIT,
            "roots/list" => Self::ROOTS,
            "ping" => 0,
            _ => return false,
        };
        self.0 & needed == needed
    }

    /// As a session id carries it.
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    /// From a session id.
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}
