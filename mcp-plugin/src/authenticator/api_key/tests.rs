use super::*;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

async fn make(settings: Value) -> Result<Arc<dyn Authenticator>, String> {
    ApiKeyFactory
        .make(&settings)
        .await
        .map_err(|error| error.to_string())
}

async fn ask(headers: &[(&str, &str)]) -> Result<Principal, Denied> {
    let keys = json!([
        {"name": "root", "hash": hash("first"), "admin": true},
        {"name": "ci", "key": "the-second-of-the-keys"},
        {"name": "ops", "hash": hash("third").to_uppercase(), "admin": "true"},
    ]);
    let headers = headers.iter().map(|(name, value)| {
        (
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    });
    make(json!({ "keys": keys }))
        .await
        .unwrap()
        .authenticate(&headers.collect())
        .await
}

fn who(subject: &str, admin: bool) -> Result<Principal, Denied> {
    Ok(Principal {
        admin,
        ..Principal::named(subject)
    })
}

#[tokio::test]
async fn every_listed_key_opens_with_its_own_rights_in_both_headers() {
    assert_eq!(ask(&[("x-api-key", "first")]).await, who("root", true));
    assert_eq!(
        ask(&[("x-api-key", "the-second-of-the-keys")]).await,
        who("ci", false)
    );
    assert_eq!(ask(&[("authorization", "Bearer third")]).await, who("ops", true));
    assert_eq!(
        ask(&[("authorization", "bEARER  the-second-of-the-keys")]).await,
        who("ci", false)
    );
    assert_eq!(
        ask(&[("authorization", "Bearer first"), ("x-api-key", "first")]).await,
        who("root", true)
    );
}

#[tokio::test]
async fn a_wrong_key_is_invalid_and_no_key_is_missing() {
    let invalid = |answer: Result<Principal, Denied>| matches!(answer, Err(Denied::Invalid(_)));
    assert!(invalid(ask(&[("x-api-key", "First")]).await));
    assert!(invalid(ask(&[("x-api-key", "")]).await));
    assert!(invalid(ask(&[("authorization", "Bearer")]).await));
    assert!(
        invalid(ask(&[("x-api-key", &hash("first"))]).await),
        "a stolen hash is not a key"
    );
    assert!(invalid(
        ask(&[
            ("authorization", "Bearer first"),
            ("x-api-key", "the-second-of-the-keys")
        ])
        .await
    ));
    assert!(invalid(
        ask(&[("x-api-key", "first"), ("x-api-key", "the-second-of-the-keys")]).await
    ));
    assert_eq!(ask(&[]).await, Err(Denied::Missing));
    assert_eq!(
        ask(&[("authorization", "Basic Zmlyc3Q=")]).await,
        Err(Denied::Missing)
    );
    assert_eq!(
        ask(&[("authorization", "Bearerfirst")]).await,
        Err(Denied::Missing)
    );
}

#[tokio::test]
async fn a_key_may_carry_roles_and_claims_which_are_shared_by_its_requests() {
    let keys = json!([
        {"name": "ann", "key": "the-first-of-the-keys", "roles": ["billing", "ops"], "claims": {"tenant": "acme", "account": 9_007_199_254_740_993_u64}},
        {"name": "bob", "key": "the-second-of-the-keys", "roles": [], "claims": {}},
    ]);
    let authenticator = make(json!({ "keys": keys })).await.unwrap();
    let ask = async |key: &'static str| {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-api-key"),
            HeaderValue::from_static(key),
        )]);
        authenticator.authenticate(&headers).await.unwrap()
    };
    let (first, again) = (
        ask("the-first-of-the-keys").await,
        ask("the-first-of-the-keys").await,
    );
    assert_eq!(first.roles(), ["billing", "ops"]);
    let claim = |name| first.claim(name).map(|raw| raw.get().to_owned());
    assert_eq!(claim("tenant").as_deref(), Some(r#""acme""#));
    assert_eq!(claim("account").as_deref(), Some("9007199254740993"));
    assert_eq!(claim("other"), None);
    assert!(Arc::ptr_eq(
        &first.attributes.clone().unwrap(),
        &again.attributes.unwrap()
    ));
    assert!(
        !format!("{first:?}").contains("acme"),
        "claims are personal data: {first:?}"
    );
    assert_eq!(ask("the-second-of-the-keys").await, Principal::named("bob"));
}

#[test]
fn the_stored_form_is_sha_256_in_hexadecimal() {
    assert_eq!(
        hash("abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[tokio::test]
async fn bad_lists_are_refused_by_name_and_without_the_key() {
    let refusal = async |keys: Value| make(json!({ "keys": keys })).await.err().unwrap_or_default();
    for (keys, expected) in [
        (json!([]), "authenticator.api_key.keys: no key is listed"),
        (json!("a,b"), "authenticator.api_key.keys: expected a list"),
        (
            json!(["sesame"]),
            "authenticator.api_key.keys[0]: expected a table",
        ),
        (
            json!([{"key": "sesame-open-yourself"}]),
            "authenticator.api_key.keys[0].name: missing",
        ),
        (
            json!([{"name": "a"}]),
            "authenticator.api_key.keys[0].key: missing",
        ),
        (
            json!([{"name": "a", "key": "sesame open"}]),
            "authenticator.api_key.keys[0].key: only visible ASCII",
        ),
        (
            json!([{"name": "a", "key": "sesame"}]),
            "authenticator.api_key.keys[0].key: has 6 characters, a key needs 16 or more; `dynmcp hash-key --generate`",
        ),
        (
            json!([{"name": "a", "hash": "sesame"}]),
            "authenticator.api_key.keys[0].hash: expected the SHA-256",
        ),
        (
            json!([{"name": "a", "key": "sesame-open-yourself", "hash": hash("x")}]),
            "authenticator.api_key.keys[0].hash: give either",
        ),
        (
            json!([{"name": "a", "key": "sesame-open-yourself", "adnim": true}]),
            "authenticator.api_key.keys[0].adnim: no such",
        ),
        (
            json!([{"name": "a", "key": "sesame-open-yourself", "roles": "ops"}]),
            "authenticator.api_key.keys[0].roles: expected a list of texts",
        ),
        (
            json!([{"name": "a", "key": "sesame-open-yourself", "roles": ["ops", 7]}]),
            "authenticator.api_key.keys[0].roles: expected a list of texts",
        ),
        (
            json!([{"name": "a", "key": "sesame-open-yourself", "claims": ["sesame"]}]),
            "authenticator.api_key.keys[0].claims: expected a table",
        ),
        (
            json!([{"name": "a", "key": "sesame-open-yourself"}, {"name": "b", "hash": hash("sesame-open-yourself")}]),
            "`a` and `b` have the same",
        ),
        (
            json!([{"name": "a", "key": "sesame-open-yourself"}, {"name": "a", "key": "another-sesame-opens"}]),
            "`a` and `a` have the same",
        ),
    ] {
        let refusal = refusal(keys.clone()).await;
        assert!(refusal.contains(expected), "{keys}: {refusal}");
        assert!(!refusal.contains("sesame"), "{refusal}");
    }
    assert!(make(Value::Null).await.is_err());
}
