//! What a client said that it answers: in `initialize`, or since 2026-07-28 with each request.

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

/// The requests that a client answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientCan(u8);

/// Each member as it was written; what is not there, or null, declares nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Declared {
    sampling: Value,
    elicitation: Value,
    roots: Value,
}

impl ClientCan {
    const SAMPLE: u8 = 1;
    /// By a form.
    const ELICIT: u8 = 2;
    const ROOTS: u8 = 4;
    /// By a page that the client opens.
    const ELICIT_BY_URL: u8 = 8;
    const SAMPLE_WITH_TOOLS: u8 = 16;
    const SAMPLE_WITH_CONTEXT: u8 = 32;

    /// Whatever a client can declare.
    pub const ALL: Self = Self(63);

    /// Reads `capabilities`; what cannot be read declares nothing.
    pub fn read(capabilities: Option<&RawValue>) -> Self {
        let declared = capabilities.and_then(|raw| serde_json::from_str::<Declared>(raw.get()).ok());
        let declared = declared.unwrap_or_default();
        let has = |value: &Value, name: &str| value.get(name).is_some_and(|member| !member.is_null());
        let (sampling, elicitation) = (&declared.sampling, &declared.elicitation);
        let by_url = has(elicitation, "url");
        let bits = [
            (!sampling.is_null(), Self::SAMPLE),
            (has(sampling, "tools"), Self::SAMPLE_WITH_TOOLS),
            (has(sampling, "context"), Self::SAMPLE_WITH_CONTEXT),
            // Who says no more than that it can be asked is asked by forms.
            (
                !elicitation.is_null() && (!by_url || has(elicitation, "form")),
                Self::ELICIT,
            ),
            (by_url, Self::ELICIT_BY_URL),
            (!declared.roots.is_null(), Self::ROOTS),
        ];
        let declared = bits.into_iter().filter(|(is_declared, _)| *is_declared);
        Self(declared.fold(0, |bits, (_, bit)| bits | bit))
    }

    /// The `capabilities` that say so.
    pub fn declared(self) -> String {
        let mut all = Map::new();
        let part = |pairs: &[(u8, &str)]| -> Value {
            let named = pairs.iter().filter(|(bit, _)| self.has(*bit));
            named
                .map(|(_, name)| ((*name).to_owned(), json!({})))
                .collect::<Map<_, _>>()
                .into()
        };
        if self.has(Self::SAMPLE) {
            let parts = [
                (Self::SAMPLE_WITH_CONTEXT, "context"),
                (Self::SAMPLE_WITH_TOOLS, "tools"),
            ];
            all.insert("sampling".to_owned(), part(&parts));
        }
        if self.0 & (Self::ELICIT | Self::ELICIT_BY_URL) != 0 {
            let parts = [(Self::ELICIT, "form"), (Self::ELICIT_BY_URL, "url")];
            all.insert("elicitation".to_owned(), part(&parts));
        }
        if self.has(Self::ROOTS) {
            all.insert("roots".to_owned(), json!({}));
        }
        Value::from(all).to_string()
    }

    /// Whether it answers nothing.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether it opens pages that it is asked to open.
    pub fn opens_pages(self) -> bool {
        self.has(Self::ELICIT_BY_URL)
    }

    /// Whether the client answers this request.
    pub fn answers(self, method: &str, params: Option<&RawValue>) -> bool {
        match method {
            "sampling/createMessage" => self.has(Self::SAMPLE),
            "elicitation/create" if is_by_url(params) => self.has(Self::ELICIT_BY_URL),
            "elicitation/create" => self.has(Self::ELICIT),
            "roots/list" => self.has(Self::ROOTS),
            _ => false,
        }
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit == bit
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

fn is_by_url(params: Option<&RawValue>) -> bool {
    #[derive(Deserialize)]
    struct Params {
        #[serde(default)]
        mode: Value,
    }
    let params = params.and_then(|raw| serde_json::from_str::<Params>(raw.get()).ok());
    params.is_some_and(|params| params.mode == "url")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ClientCan {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        ClientCan::read(Some(raw))
    }

    #[test]
    fn what_is_declared_is_said_again() {
        for (said, again) in [
            ("{}", "{}"),
            (
                r#"{"sampling":{},"elicitation":{},"roots":{"listChanged":true}}"#,
                r#"{"elicitation":{"form":{}},"roots":{},"sampling":{}}"#,
            ),
            (
                r#"{"elicitation":{"url":{}},"sampling":{"tools":{},"context":{}}}"#,
                r#"{"elicitation":{"url":{}},"sampling":{"context":{},"tools":{}}}"#,
            ),
            (
                r#"{"elicitation":{"form":{},"url":{}},"roots":null,"sampling":null}"#,
                r#"{"elicitation":{"form":{},"url":{}}}"#,
            ),
            ("[]", "{}"),
        ] {
            let declared: Value = serde_json::from_str(&read(said).declared()).unwrap();
            let again: Value = serde_json::from_str(again).unwrap();
            assert_eq!(declared, again, "{said}");
            assert_eq!(read(&declared.to_string()), read(said));
        }
    }

    #[test]
    fn each_request_needs_what_was_declared_for_it() {
        let form = read(r#"{"elicitation":{}}"#);
        let page: &RawValue = serde_json::from_str(r#"{"mode":"url"}"#).unwrap();
        assert!(form.answers("elicitation/create", None) && !form.answers("elicitation/create", Some(page)));
        let url = read(r#"{"elicitation":{"url":{}}}"#);
        assert!(!url.answers("elicitation/create", None) && url.answers("elicitation/create", Some(page)));
        assert!(!form.answers("roots/list", None) && !form.answers("tools/list", None));
        assert!(ClientCan::ALL.answers("sampling/createMessage", None));
        assert_eq!(ClientCan::from_bits(ClientCan::ALL.bits()), ClientCan::ALL);
    }
}
