//! Keys with which somebody comes in: made, replaced, switched on and off. What is shown of one is shown once; the document
//! has its hash.

use mcp_common::{
    definition::{
        ApiKeyDefinition,
        api_key::{ApiKeyStatus, Digest, KeySecret, MOST_SECRETS, SECRET_BYTES, Timestamp, Token},
    },
    document::Document,
    key::Key,
    problem::{Problem, Problems},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::time::{Duration, SystemTime};

/// Random digits of the id of a new key.
const ID_BYTES: usize = 6;

/// What a new key is to be.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewKey {
    /// Who it is, in logs and in history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The instances that it opens, with `*` for any text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<String>,
    /// The tools that it shows; all where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// The resources that it shows, by URI; all where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// The prompts that it shows; all where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Vec<String>>,
    /// Its roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What templates can name as `principal.claims`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
    /// How many calls its holder may make, as in the document.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub limits: Map<String, Value>,
    /// The end of its validity, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// A key that was made or replaced, before it is stored.
pub struct Issued {
    /// The key under which its document is stored.
    pub key: Key,
    /// What is stored.
    pub document: Document,
    /// What its holder shows. It can be read here and nowhere else.
    pub shown: String,
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Keys that can be guessed are no keys.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(getrandom::Error),
    /// The document is no key.
    #[error(transparent)]
    Document(#[from] Problems),
}

impl From<Problem> for KeyError {
    fn from(problem: Problem) -> Self {
        Self::Document(Problems(vec![problem]))
    }
}

/// A new key with an id of its own.
pub fn create(new: &NewKey, now: SystemTime) -> Result<Issued, KeyError> {
    let id = format!("k{}", hexadecimal(&random::<ID_BYTES>()?));
    let text = serde_json::to_vec(new).map_err(|error| Problem::whole(error.to_string()))?;
    let mut document = Document::parse(&text)?;
    document.set_first("id", &id);
    let (shown, secret) = secret(&id, now)?;
    document.set("secrets", &[secret]);
    // A wrong time or pattern is said before anything is stored or shown.
    ApiKeyDefinition::read(&id, &document)?;
    Ok(Issued {
        key: Key::api_key(id),
        document,
        shown,
    })
}

/// The same key with another secret. The secrets before it are valid until `grace` is over, if they do not end sooner.
pub fn rotate(id: &str, document: &Document, grace: Duration, now: SystemTime) -> Result<Issued, KeyError> {
    let definition = ApiKeyDefinition::read(id, document)?.definition;
    let end = Timestamp::after(now, grace).ok_or_else(|| {
        Problem::whole("the grace is too long: the time at which it ends cannot be written")
    })?;
    let still = definition.secrets.iter().filter_map(|secret| {
        let end = secret.expires_at.map_or(end, |own| own.min(end));
        (end.0 > now).then(|| stored(secret.sha256, secret.created_at, Some(end)))
    });
    let mut secrets: Vec<Value> = still.collect();
    if secrets.len() >= MOST_SECRETS {
        return Err(Problem::at(
            "secrets",
            format!("{MOST_SECRETS} are still valid: rotate without a grace, which ends them, or wait until one has ended"),
        )
        .into());
    }
    let (shown, secret) = secret(id, now)?;
    secrets.push(secret);
    let mut document = document.clone();
    document.set("secrets", &secrets);
    ApiKeyDefinition::read(id, &document)?;
    Ok(Issued {
        key: Key::api_key(id),
        document,
        shown,
    })
}

/// The same key, switched on or off.
pub fn with_status(document: &Document, status: ApiKeyStatus) -> Document {
    let mut document = document.clone();
    let word = match status {
        ApiKeyStatus::Active => "active",
        ApiKeyStatus::Inactive => "inactive",
    };
    document.set("status", &word);
    document
}

fn secret(id: &str, now: SystemTime) -> Result<(String, Value), KeyError> {
    let shown = Token::text(id, &random::<SECRET_BYTES>()?);
    let digest = Digest(Sha256::digest(shown.as_bytes()).into());
    let stored = stored(digest, Some(Timestamp(now)), None);
    Ok((shown, stored))
}

fn stored(sha256: Digest, created_at: Option<Timestamp>, expires_at: Option<Timestamp>) -> Value {
    let KeySecret {
        sha256,
        created_at,
        expires_at,
    } = KeySecret {
        sha256,
        created_at,
        expires_at,
    };
    let mut members = Map::from_iter([("sha256".to_owned(), sha256.to_string().into())]);
    for (name, time) in [("created_at", created_at), ("expires_at", expires_at)] {
        members.extend(time.map(|time| (name.to_owned(), time.to_string().into())));
    }
    members.into()
}

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(KeyError::NoRandomness)?;
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn ends(issued: &Issued) -> Vec<Option<String>> {
        let read = ApiKeyDefinition::read(&issued.key.id, &issued.document).unwrap();
        let secrets = read.definition.secrets.into_iter();
        secrets
            .map(|secret| secret.expires_at.map(|end| end.to_string()))
            .collect()
    }

    #[test]
    fn a_new_key_is_shown_once_and_stored_as_its_hash() {
        let new = NewKey {
            name: Some("ann".to_owned()),
            instances: vec!["desk".to_owned()],
            ..NewKey::default()
        };
        let issued = create(&new, at(0)).unwrap();
        let token = Token::parse(issued.shown.as_bytes()).unwrap();
        assert_eq!(token.id, &*issued.key.id);
        let read = ApiKeyDefinition::read(&issued.key.id, &issued.document)
            .unwrap()
            .definition;
        assert_eq!(
            read.secrets[0].sha256.0,
            <[u8; 32]>::from(Sha256::digest(issued.shown.as_bytes()))
        );
        let text = issued.document.as_json();
        assert!(!text.contains(&issued.shown[20..60]), "{text}");
        assert!(
            text.starts_with(r#"{"id":"k"#) && text.contains(r#""created_at":"1970-01-01T00:00:00Z""#),
            "{text}"
        );
        assert_ne!(create(&new, at(0)).unwrap().shown, issued.shown);
    }

    #[test]
    fn a_wrong_wish_is_refused_with_its_place() {
        let new = NewKey {
            expires_at: Some("soon".to_owned()),
            ..NewKey::default()
        };
        let problem = create(&new, at(0)).err().unwrap().to_string();
        assert!(problem.starts_with("expires_at: must be a time"), "{problem}");
    }

    #[test]
    fn what_was_valid_before_a_rotation_is_valid_until_the_grace_is_over() {
        let first = create(&NewKey::default(), at(0)).unwrap();
        let id = first.key.id.clone();
        let second = rotate(&id, &first.document, Duration::from_secs(60), at(10)).unwrap();
        assert_eq!(ends(&second), [Some("1970-01-01T00:01:10Z".to_owned()), None]);
        let third = rotate(&id, &second.document, Duration::from_secs(600), at(20)).unwrap();
        assert_eq!(
            ends(&third),
            [
                Some("1970-01-01T00:01:10Z".to_owned()),
                Some("1970-01-01T00:10:20Z".to_owned()),
                None
            ]
        );
        let fourth = rotate(&id, &third.document, Duration::from_secs(600), at(20)).unwrap();
        let refused = rotate(&id, &fourth.document, Duration::from_secs(600), at(20))
            .err()
            .unwrap()
            .to_string();
        assert!(refused.contains("secrets: 4 are still valid"), "{refused}");
        let late = rotate(&id, &third.document, Duration::from_secs(600), at(100)).unwrap();
        assert_eq!(ends(&late).len(), 3, "the first one has ended and goes");
        for grace in [Duration::MAX, Duration::from_secs(1_000_000 * 365 * 24 * 60 * 60)] {
            let refused = rotate(&id, &third.document, grace, at(20))
                .err()
                .unwrap()
                .to_string();
            assert!(refused.contains("the grace is too long"), "{refused}");
        }
        let at_once = rotate(&id, &third.document, Duration::ZERO, at(20)).unwrap();
        assert_eq!(ends(&at_once), [None]);
        assert_ne!(at_once.shown, third.shown);
    }
}
