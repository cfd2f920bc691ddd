//! `${env:NAME}`, `${file:/path}` and `${secret:name}`: definitions name secrets, they never carry them.

use crate::definition::secret::is_secret_name;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use std::{borrow::Cow, fmt};

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretReference {
    /// An environment variable of the gateway.
    Env(String),
    /// A file on the gateway's machine; blanks at its ends do not count.
    File(String),
    /// A secret of the store, by its name.
    Stored(String),
}

/// A value that may be a secret or a plain text (a user name, a client id).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MaybeSecret {
    /// The value itself, as it stands in the document.
    Plain(String),
    /// A reference that has to be looked up.
    Reference(SecretReference),
}

/// Says what to write; never repeats what was written, which may be the secret itself.
const EXPECTED: &str = "must be a reference: put the secret into the store, into an environment variable or a file of the gateway, and write \"${secret:name}\", \"${env:NAME}\" or \"${file:/path}\"";

impl MaybeSecret {
    /// Where it has to be looked up; `None` for a plain text.
    pub fn reference(&self) -> Option<&SecretReference> {
        match self {
            Self::Reference(reference) => Some(reference),
            Self::Plain(_) => None,
        }
    }
}

impl SecretReference {
    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = text
            .trim()
            .strip_prefix("${")
            .and_then(|text| text.strip_suffix('}'))
            .ok_or(EXPECTED)?;
        match inner.split_once(':') {
            Some(("env", name)) if is_variable(name) => Ok(Self::Env(name.to_owned())),
            Some(("env", _)) => Err("names no environment variable: letters, digits and `_`".into()),
            Some(("file", path)) if path.starts_with('/') => {
                if path.split('/').any(|segment| segment == "..") {
                    return Err("a path of a secret must not have `..`".into());
                }
                Ok(Self::File(path.to_owned()))
            }
            Some(("file", _)) => Err("the path of a secret must be absolute: ${file:/path}".into()),
            Some(("secret", name)) if is_secret_name(name) => Ok(Self::Stored(name.to_owned())),
            Some(("secret", _)) => Err("is not the name of a secret: 1 to 64 of A-Z a-z 0-9 . _ -".into()),
            _ => Err(EXPECTED.into()),
        }
    }

    /// The name of the secret of the store that it is about.
    pub fn stored(&self) -> Option<&str> {
        match self {
            Self::Stored(name) => Some(name),
            Self::Env(_) | Self::File(_) => None,
        }
    }
}

fn is_variable(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit())
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "${{env:{name}}}"),
            Self::File(path) => write!(f, "${{file:{path}}}"),
            Self::Stored(name) => write!(f, "${{secret:{name}}}"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretReference {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(input)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for MaybeSecret {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        if text.trim().starts_with("${") {
            return SecretReference::parse(&text)
                .map(Self::Reference)
                .map_err(D::Error::custom);
        }
        Ok(Self::Plain(text))
    }
}

const REFERENCE: &str = r"\s*\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^}]*|secret:[A-Za-z0-9._-]{1,64})\}\s*";

impl JsonSchema for SecretReference {
    fn schema_name() -> Cow<'static, str> {
        "SecretReference".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where a secret is: `${secret:name}`, `${env:NAME}` or `${file:/path}`. Never the secret itself.",
            "type": "string",
            "pattern": format!("^{REFERENCE}$"),
            "patternErrorMessage": "Must be a reference: put the secret into the store, into an environment variable or a file of the gateway, and write \"${secret:name}\", \"${env:NAME}\" or \"${file:/path}\"",
            "examples": ["${secret:billing}", "${env:DYNMCP_SECRET_BILLING}", "${file:/run/secrets/dynmcp/billing}"],
        })
    }
}

impl JsonSchema for MaybeSecret {
    fn schema_name() -> Cow<'static, str> {
        "MaybeSecret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text, or where a secret is: `${secret:name}`, `${env:NAME}` or `${file:/path}`.",
            "type": "string",
            "pattern": format!(r"^(?!\s*\$\{{)|^{REFERENCE}$"),
            "patternErrorMessage": "Must be a text, or a reference: \"${secret:name}\", \"${env:NAME}\" or \"${file:/path}\"",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::SecretReference;

    #[test]
    fn only_references_are_read_and_a_secret_is_never_repeated() {
        for text in [
            "${env:BILLING_TOKEN}",
            "${file:/run/secrets/dynmcp/token}",
            "${secret:team-a.billing_1}",
        ] {
            assert_eq!(SecretReference::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "s3cr3t",
            "",
            "${s3cr3t}",
            "Bearer ${env:A}",
            "${env:}",
            "${env:A-B}",
            "${env:1}",
            "${file:s3cr3t}",
            "${file:/a/../s3cr3t}",
            "${vault:a}",
            "${secret:}",
            "${secret:s3cr3t/a}",
            "${secret:../s3cr3t}",
        ] {
            let reason = SecretReference::parse(text).unwrap_err();
            assert!(!reason.contains("s3cr3t"), "{text}: {reason}");
        }
    }
}
