use super::*;
use mcp_common::{
    authenticator::StoredRole, definition::ApiKeyDefinition, document::Document, key::Revision,
};
use serde_json::{Value, json};
use std::time::Duration;

struct One(Arc<ApiKeyDefinition>);

impl KeyRing for One {
    fn key(&self, id: &str) -> Option<(Arc<ApiKeyDefinition>, Revision)> {
        (*id == *self.0.id).then(|| (self.0.clone(), 3))
    }

    fn role(&self, _: &str) -> StoredRole {
        StoredRole::Unknown
    }
}

fn token(secret: u8) -> String {
    Token::text("k1", &[secret; 32])
}

/// With the secrets 1 (which ends at second 100) and 2.
fn keys(more: Value) -> StoredKeys {
    let sha256 = |secret| super::super::api_key::hash(&token(secret));
    let mut document = json!({
        "instances": ["desk"],
        "secrets": [{"sha256": sha256(1), "expires_at": "1970-01-01T00:01:40Z"}, {"sha256": sha256(2)}],
    });
    document
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let document = Document::parse(document.to_string().as_bytes()).unwrap();
    StoredKeys::new(Arc::new(One(Arc::new(
        ApiKeyDefinition::read("k1", &document).unwrap().definition,
    ))))
}

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

#[test]
fn each_secret_lets_in_until_it_ends() {
    let keys = keys(json!({"expires_at": "1970-01-01T00:03:20Z"}));
    let first = keys.recognise(token(1).as_bytes(), at(99)).unwrap();
    assert_eq!(
        first.grant.as_deref().map(|grant| (grant.end, grant.revision())),
        Some((Some(at(100)), Some(3)))
    );
    let ended = keys.recognise(token(1).as_bytes(), at(100)).unwrap_err();
    assert_eq!(
        ended,
        Denied::Invalid("the key `k1` ended at 1970-01-01T00:01:40Z".to_owned())
    );
    assert!(keys.recognise(token(2).as_bytes(), at(199)).is_ok());
    assert!(matches!(
        keys.recognise(token(2).as_bytes(), at(200)),
        Err(Denied::Invalid(_))
    ));
}

#[test]
fn an_inactive_key_lets_nobody_in_and_only_its_holder_hears_that_it_is() {
    let keys = keys(json!({"status": "inactive"}));
    let reason = |secret| match keys.recognise(token(secret).as_bytes(), at(0)) {
        Err(Denied::Invalid(reason)) => reason,
        other => format!("{other:?}"),
    };
    assert_eq!(reason(2), "the key `k1` is not active");
    assert_eq!(reason(9), shown::UNKNOWN);
}

#[test]
fn what_is_no_key_of_the_store_is_left_to_others() {
    let keys = keys(json!({}));
    let other = Token::text("k2", &[1; 32]);
    for shown in [
        "",
        "a-configured-key",
        "mcp_k1",
        &other,
        &token(1).replace('_', "-"),
    ] {
        assert_eq!(
            keys.recognise(shown.as_bytes(), at(0)),
            Err(Denied::Missing),
            "{shown}"
        );
    }
}
