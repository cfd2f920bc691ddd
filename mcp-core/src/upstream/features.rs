//! What a server says that it can do.

use serde::{Deserialize, Serialize};

/// The capabilities of a server, as far as they say what it can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Features {
    /// Whether it has tools, and whether it tells when they change.
    pub tools: Option<Tells>,
    /// Whether it has resources, and whether it tells when their list changes.
    pub resources: Option<Tells>,
    /// Whether it has prompts, and whether it tells when they change.
    pub prompts: Option<Tells>,
    /// Whether it proposes values for arguments of prompts and templates.
    pub completions: bool,
    /// Whether it sends log messages.
    pub logging: bool,
    /// Whether it tells when a resource changes.
    pub subscriptions: bool,
    /// Whether calls may turn into tasks (an extension of 2026-07-28).
    pub tasks: bool,
}

/// Whether a server tells when a list changes.
pub type Tells = bool;

/// As a server writes them; members that are no objects declare nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Declared {
    tools: Part,
    resources: Part,
    prompts: Part,
    completions: Part,
    logging: Part,
    extensions: Part,
}

#[derive(Debug, Default)]
struct Part(Option<serde_json::Map<String, serde_json::Value>>);

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(match serde_json::Value::deserialize(input)? {
            serde_json::Value::Object(members) => Self(Some(members)),
            _ => Self(None),
        })
    }
}

impl Part {
    fn says(&self, member: &str) -> bool {
        let members = self.0.as_ref();
        members.is_some_and(|members| members.get(member) == Some(&serde_json::Value::Bool(true)))
    }

    fn has(&self, member: &str) -> bool {
        let members = self.0.as_ref();
        members.is_some_and(|members| members.get(member).is_some_and(serde_json::Value::is_object))
    }

    fn list(&self) -> Option<Tells> {
        self.0.as_ref().map(|_| self.says("listChanged"))
    }
}

impl From<&Declared> for Features {
    fn from(declared: &Declared) -> Self {
        Self {
            tools: declared.tools.list(),
            resources: declared.resources.list(),
            prompts: declared.prompts.list(),
            completions: declared.completions.0.is_some(),
            logging: declared.logging.0.is_some(),
            subscriptions: declared.resources.says("subscribe"),
            tasks: declared.extensions.has("io.modelcontextprotocol/tasks"),
        }
    }
}

impl Features {
    /// Whether it tells of changes of each list that it has.
    pub(super) fn tells_of_all(&self) -> bool {
        let all = [self.tools, self.resources, self.prompts];
        all.into_iter().flatten().all(|tells| tells)
    }

    /// The lists whose changes it tells of, as `subscriptions/listen` asks for them, without braces.
    pub(super) fn wanted(&self) -> String {
        let all = [
            (self.tools, "\"toolsListChanged\":true"),
            (self.resources, "\"resourcesListChanged\":true"),
            (self.prompts, "\"promptsListChanged\":true"),
        ];
        let told = all.into_iter().filter(|(tells, _)| *tells == Some(true));
        told.map(|(_, member)| member).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_declares_nothing() {
        let read = |text| Features::from(&serde_json::from_str::<Declared>(text).unwrap());
        let all = read(
            r#"{"tools":{},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":false},"completions":{},"logging":{},"x":1}"#,
        );
        assert_eq!(
            (all.tools, all.resources, all.prompts),
            (Some(false), Some(true), Some(false))
        );
        assert!(all.completions && all.logging && all.subscriptions && !all.tells_of_all());
        assert_eq!(
            read(r#"{"tools":null,"resources":true,"prompts":[]}"#),
            Features::default()
        );
    }
}
