//! What the caller gives to all operations, instead of what the description says or beside it: a credential, headers.

use super::ImportError;
use crate::tool::read_header_name;
use mcp_common::credential_name::is_credential;
use serde_json::{Map, Value, json};
use std::{fmt, str::FromStr};

const AUTH_FORMS: &str = "bearer:${env:NAME}, basic:USER:${env:NAME}, header:NAME:${env:NAME}, query:NAME:${env:NAME}, \
                          cookie:NAME:${env:NAME}, passthrough:HEADER or none";

/// `bearer:${env:TOKEN}` and the like: the credential of every tool, by reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenAuth {
    text: String,
    value: Option<Value>,
}

impl GivenAuth {
    /// The member `auth` of a definition; `None` where calls have no credential.
    pub(super) fn value(&self) -> Option<Value> {
        self.value.clone()
    }
}

/// As it can be read again: it has references only.
impl fmt::Display for GivenAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for GivenAuth {
    type Err = ImportError;

    fn from_str(text: &str) -> Result<Self, ImportError> {
        let text = text.trim();
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let named = || rest.split_once(':').filter(|(name, _)| !name.is_empty());
        let value = match kind {
            "none" if rest.is_empty() => None,
            "bearer" => Some(json!({"type": "bearer", "credential": reference(rest)?})),
            "basic" => {
                let (user, password) = named().ok_or_else(unknown)?;
                Some(json!({"type": "basic", "username": user, "password": reference(password)?}))
            }
            "header" | "query" | "cookie" => {
                let (name, credential) = named().ok_or_else(unknown)?;
                Some(
                    json!({"type": "api_key", "credential": reference(credential)?, "in": kind, "name": name}),
                )
            }
            "passthrough" if !rest.is_empty() => Some(json!({"type": "passthrough", "header": rest})),
            _ => return Err(unknown()),
        };
        Ok(Self {
            text: text.to_owned(),
            value,
        })
    }
}

fn unknown() -> ImportError {
    ImportError::Option(format!("auth: write {AUTH_FORMS}"))
}

/// What is none is not repeated: it may be the credential itself.
fn reference(text: &str) -> Result<&str, ImportError> {
    let is_reference = ["${env:", "${file:", "${secret:"]
        .iter()
        .any(|start| text.starts_with(start))
        && text.ends_with('}');
    let refusal = || {
        ImportError::Option(
            "auth: the credential must be a reference, ${secret:NAME}, ${env:NAME} or ${file:/path}: a definition never carries it".to_owned(),
        )
    };
    is_reference.then_some(text).ok_or_else(refusal)
}

/// `Name: value`, a header of every call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenHeader {
    name: String,
    value: String,
}

impl GivenHeader {
    /// Whether the parameter is this header.
    pub(super) fn is(&self, parameter: &Map<String, Value>) -> bool {
        let text = |member: &str| parameter.get(member).and_then(Value::as_str);
        text("in") == Some("header") && text("name").is_some_and(|name| name.eq_ignore_ascii_case(&self.name))
    }

    /// Takes the place of a header that is called so.
    pub(super) fn add_to(&self, headers: &mut Map<String, Value>) {
        headers.retain(|name, _| !name.eq_ignore_ascii_case(&self.name));
        headers.insert(self.name.clone(), self.value.as_str().into());
    }
}

impl fmt::Display for GivenHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

impl FromStr for GivenHeader {
    type Err = ImportError;

    fn from_str(text: &str) -> Result<Self, ImportError> {
        let refusal = |reason: &str| ImportError::Option(format!("header: {reason}"));
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| refusal("write `Name: value`"))?;
        let (name, value) = (name.trim(), value.trim());
        if let Err(reason) = read_header_name(name) {
            return Err(refusal(&format!("`{name}` {reason}")));
        }
        if is_credential(name) {
            return Err(refusal(&format!(
                "`{name}` is a credential, which no definition carries: use auth, header:{name}:${{env:NAME}}"
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_references() {
        let value = |text: &str| text.parse::<GivenAuth>().unwrap().value();
        assert_eq!(value("none"), None);
        let table = [
            (
                "bearer:${env:A}",
                json!({"type": "bearer", "credential": "${env:A}"}),
            ),
            (
                "basic:joe:${file:/a:b}",
                json!({"type": "basic", "username": "joe", "password": "${file:/a:b}"}),
            ),
            (
                "query:key:${env:A}",
                json!({"type": "api_key", "credential": "${env:A}", "in": "query", "name": "key"}),
            ),
            (
                "passthrough:X-Token",
                json!({"type": "passthrough", "header": "X-Token"}),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(value(text), Some(expected));
            assert_eq!(text.parse::<GivenAuth>().unwrap().to_string(), text);
        }
        for text in [
            "bearer:hunter2",
            "basic:joe",
            "basic:joe:hunter2",
            "header::${env:A}",
            "token:hunter2",
            "",
        ] {
            let reason = text.parse::<GivenAuth>().unwrap_err().to_string();
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }

    #[test]
    fn headers_are_plain_ones() {
        let header: GivenHeader = "X-Tenant:  a: b ".parse().unwrap();
        assert_eq!(header.to_string(), "X-Tenant: a: b");
        let mut headers = Map::from_iter([("x-tenant".to_owned(), json!("old"))]);
        header.add_to(&mut headers);
        assert_eq!(Value::from(headers), json!({"X-Tenant": "a: b"}));
        for text in ["X-Tenant", "Host: a", "a b: c", "Authorization: hunter2"] {
            let reason = text.parse::<GivenHeader>().unwrap_err().to_string();
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
