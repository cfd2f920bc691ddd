//! A secret on its way into the store: its value is encrypted, or that of before is kept. The only place where a value stands in a document.

use super::{Sealed, SecretKeys, Vault};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcp_common::{
    definition::{
        SecretDefinition,
        api_key::Timestamp,
        secret::{LARGEST_VALUE, is_secret_name},
    },
    document::Document,
    key::{Key, Kind},
    problem::Problem,
    secret::{ExposeSecret, Secret},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, time::SystemTime};

const VALUE: &str = "value";
const SEALED: &str = "sealed";
const VERSION: &str = "key_version";
const CREATED: &str = "created_at";
const WRITTEN: &str = "value_at";

/// The document as it is stored, with `stored` there now; those of other kinds as they are.
///
/// With `value` its value is encrypted. Without, it has the value of before, encrypted anew where that was done with an older key: so any write of a
/// secret rotates it. Whoever sends `sealed` puts an earlier state back.
pub fn to_be_stored<'d>(
    key: &Key,
    document: &'d Document,
    stored: Option<&Document>,
    vault: &Vault,
    now: SystemTime,
) -> Result<Cow<'d, Document>, Problem> {
    if key.kind != Kind::SECRET {
        return Ok(Cow::Borrowed(document));
    }
    // What cannot be a secret's name is in no ciphertext.
    if !is_secret_name(&key.id) {
        return Err(Problem::at("id", "must have 1 to 64 of A-Z a-z 0-9 . _ -"));
    }
    let mut document = document.clone();
    let before = stored.and_then(|stored| Before::of(key, stored));
    let given = document.remove(VALUE);
    if given.is_none() && document.get(SEALED).is_some() {
        // An earlier state that comes back, with the key of now where its own is still there.
        if let Some(earlier) = Before::of(key, &document)
            && let (Ok(value), Ok(keys)) = (vault.open(&earlier.definition), vault.keys())
        {
            let Written { sealed, .. } = earlier.again(keys, &value);
            document.set(SEALED, &STANDARD.encode(&sealed.bytes));
            document.set(VERSION, &sealed.version);
        }
        return Ok(Cow::Owned(document));
    }
    for member in [SEALED, VERSION, CREATED, WRITTEN] {
        document.remove(member);
    }
    let value = given.map(|given| value(&given)).transpose()?;
    let keys = vault.keys().map_err(|reason| {
        Problem::at(
            VALUE,
            format!("cannot be encrypted: {reason}; see docs/SECURITY.md"),
        )
    });
    let created = before.as_ref().and_then(|before| before.definition.created_at);
    let written = match (value, before) {
        (Some(value), Some(before)) if before.is(&value, vault) => before.again(keys?, &value),
        (Some(value), _) => Written {
            sealed: sealed(keys?, key, &value)?,
            at: Some(Timestamp(now)),
        },
        (None, Some(before)) => match (vault.open(&before.definition), keys) {
            (Ok(value), Ok(keys)) => before.again(keys, &value),
            // It is kept as it is; that it cannot be opened is said where it is used.
            _ => before.kept(),
        },
        (None, None) => {
            return Err(Problem::at(
                VALUE,
                "is missing: no value is stored under this name yet. Values are not in exports; write it with `dynmcp secrets put`",
            ));
        }
    };
    document.set(SEALED, &STANDARD.encode(&written.sealed.bytes));
    document.set(VERSION, &written.sealed.version);
    let second = |time: Timestamp| time.to_string();
    document.set(CREATED, &second(created.unwrap_or(Timestamp(now))));
    if let Some(at) = written.at {
        document.set(WRITTEN, &second(at));
    }
    Ok(Cow::Owned(document))
}

struct Written {
    sealed: Sealed,
    at: Option<Timestamp>,
}

/// What is stored now.
struct Before {
    definition: SecretDefinition,
    sealed: Sealed,
}

impl Before {
    /// What cannot be read is written anew.
    fn of(key: &Key, stored: &Document) -> Option<Self> {
        let definition = SecretDefinition::read(&key.id, stored).ok()?.definition;
        let sealed = Sealed {
            version: definition.key_version.clone(),
            bytes: definition.sealed_bytes()?,
        };
        Some(Self { definition, sealed })
    }

    fn is(&self, value: &Secret, vault: &Vault) -> bool {
        let now = vault.open(&self.definition);
        now.is_ok_and(|now| now.expose_secret() == value.expose_secret())
    }

    /// Applying the same once more is no change.
    fn again(self, keys: &SecretKeys, value: &Secret) -> Written {
        if self.sealed.version != keys.current()
            && let Ok(sealed) = keys.seal(&self.definition.id, value.expose_secret())
        {
            return Written {
                sealed,
                at: self.definition.value_at,
            };
        }
        self.kept()
    }

    fn kept(self) -> Written {
        Written {
            at: self.definition.value_at,
            sealed: self.sealed,
        }
    }
}

fn sealed(keys: &SecretKeys, key: &Key, value: &Secret) -> Result<Sealed, Problem> {
    keys.seal(&key.id, value.expose_secret())
        .map_err(|reason| Problem::at(VALUE, reason))
}

/// What is said of a value never has any of it.
fn value(given: &RawValue) -> Result<Secret, Problem> {
    let wrong = |reason: String| Problem::at(VALUE, reason);
    let Ok(text) = serde_json::from_str::<String>(given.get()) else {
        return Err(wrong("must be a text; put it in quotes".to_owned()));
    };
    let value = Secret::from(text);
    let text = value.expose_secret();
    if text.is_empty() {
        return Err(wrong("must not be empty".to_owned()));
    }
    if text.len() > LARGEST_VALUE {
        return Err(wrong(format!(
            "has {} bytes, a secret has at most {LARGEST_VALUE}",
            text.len()
        )));
    }
    if text.contains('\0') {
        return Err(wrong(
            "must not have a NUL in it, which can stand nowhere".to_owned(),
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vault(keys: &str) -> Vault {
        Vault::new(SecretKeys::parse(&Secret::from(keys)).map_err(|error| error.to_string()))
    }

    const FIRST: &str = "the first key which has so many characters";
    const SECOND: &str = "the second key which has so many characters";

    fn document(value: serde_json::Value) -> Document {
        Document::parse(value.to_string().as_bytes()).unwrap()
    }

    fn store(given: serde_json::Value, stored: Option<&Document>, vault: &Vault) -> Result<Document, String> {
        let given = document(given);
        let stored = to_be_stored(
            &Key::secret("billing"),
            &given,
            stored,
            vault,
            SystemTime::UNIX_EPOCH,
        );
        stored.map(Cow::into_owned).map_err(|problem| problem.to_string())
    }

    fn opened(stored: &Document, vault: &Vault) -> Result<String, String> {
        let read = SecretDefinition::read("billing", stored).unwrap().definition;
        vault.open(&read).map(|value| value.expose_secret().to_owned())
    }

    #[test]
    fn a_value_is_encrypted_and_what_is_written_without_one_keeps_it() {
        let vault = vault(SECOND);
        let first = store(
            json!({"id": "billing", "value": "s3cr3t-value", "key_version": "x"}),
            None,
            &vault,
        )
        .unwrap();
        assert!(!first.as_json().contains("s3cr3t"), "{}", first.as_json());
        assert_eq!(opened(&first, &vault).unwrap(), "s3cr3t-value");
        assert!(
            first.as_json().contains(r#""created_at":"1970-01-01T00:00:00Z""#),
            "{}",
            first.as_json()
        );
        let described = store(
            json!({"description": "d", "created_at": "x", "sealed_": 1}),
            Some(&first),
            &vault,
        )
        .unwrap();
        assert_eq!(
            described.get(SEALED).unwrap().get(),
            first.get(SEALED).unwrap().get()
        );
        // The same value once more is no other one.
        let same = store(
            json!({"id": "billing", "value": "s3cr3t-value"}),
            Some(&first),
            &vault,
        )
        .unwrap();
        assert_eq!(same.as_json(), first.as_json());
        let other = store(json!({"id": "billing", "value": "another"}), Some(&first), &vault).unwrap();
        assert_eq!(opened(&other, &vault).unwrap(), "another");
        // As it was, for whoever brings it back.
        let before: serde_json::Value = serde_json::from_str(first.as_json()).unwrap();
        assert_eq!(
            store(before, Some(&other), &vault).unwrap().as_json(),
            first.as_json()
        );
    }

    #[test]
    fn any_write_encrypts_with_the_newest_key_where_that_can_be_done() {
        let old = vault(FIRST);
        let both = vault(&format!("{SECOND},{FIRST}"));
        let new = vault(SECOND);
        let first = store(json!({"value": "s3cr3t"}), None, &old).unwrap();
        let rotated = store(json!({}), Some(&first), &both).unwrap();
        assert_eq!(opened(&rotated, &new).unwrap(), "s3cr3t");
        assert!(
            opened(&first, &new)
                .unwrap_err()
                .contains("which is not among those")
        );
        assert_eq!(
            rotated.get(WRITTEN).unwrap().get(),
            first.get(WRITTEN).unwrap().get()
        );
        // Also one that brings an earlier state back.
        let earlier: serde_json::Value = serde_json::from_str(first.as_json()).unwrap();
        let back = store(earlier, Some(&rotated), &both).unwrap();
        assert_eq!(opened(&back, &new).unwrap(), "s3cr3t");
        let kept = store(json!({}), Some(&first), &new).unwrap();
        assert_eq!(opened(&kept, &old).unwrap(), "s3cr3t");
    }

    #[test]
    fn what_is_no_value_is_refused_and_not_repeated() {
        let good = vault(SECOND);
        for (given, expected) in [
            (json!({"value": 4711}), "value: must be a text"),
            (json!({"value": ["s3cr3t"]}), "value: must be a text"),
            (json!({"value": ""}), "value: must not be empty"),
            (json!({"value": "s3cr3t\u{0}"}), "value: must not have a NUL"),
            (
                json!({"value": "s3cr3t ".repeat(1 << 17)}),
                "value: has 917504 bytes, a secret has at most 65536",
            ),
            (json!({}), "value: is missing"),
        ] {
            let reason = store(given, None, &good).unwrap_err();
            assert!(reason.starts_with(expected), "{reason}");
            assert!(!reason.contains("s3cr3t") && !reason.contains("4711"), "{reason}");
        }
        let none = Vault::default();
        let reason = store(json!({"value": "s3cr3t"}), None, &none).unwrap_err();
        assert!(
            reason.starts_with("value: cannot be encrypted: no key is configured"),
            "{reason}"
        );
        let (number, text) = (document(json!({"value": 1})), document(json!({"value": "x"})));
        let other = to_be_stored(&Key::tool("t"), &number, None, &none, SystemTime::now());
        assert_eq!(other.unwrap().as_json(), r#"{"value":1}"#);
        let name = to_be_stored(&Key::secret("a/b"), &text, None, &good, SystemTime::now());
        assert!(name.unwrap_err().to_string().starts_with("id: "));
    }
}
