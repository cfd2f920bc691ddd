//! What tokens are signed with, and what they say that they are.

use super::{DESK, gateway, holder, issuer::Issuer, signer::Signer, with};
use crate::test_app::{McpClient, TestApp};
use serde_json::{Value, json};

async fn status(app: &TestApp, token: &str) -> u16 {
    let client = McpClient::new(holder(app, token), "desk");
    client.modern("tools/list", json!({})).await.status
}

#[tokio::test]
async fn a_token_is_verified_with_whatever_its_issuer_signs_by() {
    const ALL: [&str; 9] = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
    ];
    let signers: Vec<Signer> = ALL.map(|algorithm| Signer::of(algorithm, algorithm)).into();
    let issuer = Issuer::start(&signers.iter().collect::<Vec<_>>()).await;
    let app = gateway(&issuer.url, json!({"algorithms": ALL})).await;
    let claims = issuer.claims(DESK);
    let forged = with(&claims, json!({"sub": "1"}));
    for signer in &signers {
        let good = signer.sign(&claims);
        assert_eq!(status(&app, &good).await, 200, "{}", signer.kid);
        // The signature of something else, and one that was changed.
        let other = signer.sign(&forged);
        let (head, signature) = good.rsplit_once('.').unwrap();
        let (_, of_other) = other.rsplit_once('.').unwrap();
        assert_eq!(
            status(&app, &format!("{head}.{of_other}")).await,
            401,
            "{}",
            signer.kid
        );
        let first = if signature.starts_with('A') { "B" } else { "A" };
        let changed = format!("{head}.{first}{}", &signature[1..]);
        assert_eq!(status(&app, &changed).await, 401, "{}", signer.kid);
        let cut = &good[..good.len() - 4];
        assert_eq!(status(&app, cut).await, 401, "{}", signer.kid);
    }
    // A key says what it is for: one for PKCS #1 signs no PSS, nor with another hash.
    for (key, algorithm) in [
        ("RS256", "PS256"),
        ("PS256", "RS256"),
        ("RS256", "RS512"),
        ("ES256", "ES384"),
    ] {
        let signer = signers.iter().find(|signer| signer.kid == key).unwrap();
        let swapped = signer.sign_with(&json!({"alg": algorithm, "typ": "at+jwt", "kid": key}), &claims);
        assert_eq!(status(&app, &swapped).await, 401, "{key} as {algorithm}");
    }
}

#[tokio::test]
async fn what_nobody_configured_is_not_taken() {
    let (rsa, curve) = (Signer::of("RS256", "rsa"), Signer::of("ES384", "curve"));
    let issuer = Issuer::start(&[&rsa, &curve]).await;
    let app = gateway(&issuer.url, json!({"algorithms": ["ES384"]})).await;
    let claims = issuer.claims(DESK);
    assert_eq!(status(&app, &curve.sign(&claims)).await, 200);
    assert_eq!(status(&app, &rsa.sign(&claims)).await, 401);
    // Where nothing is configured, these are taken.
    let app = gateway(&issuer.url, json!({})).await;
    assert_eq!(status(&app, &rsa.sign(&claims)).await, 200);
    assert_eq!(status(&app, &curve.sign(&claims)).await, 401);
}

#[tokio::test]
async fn what_an_issuer_signs_for_something_else_opens_nothing() {
    let signer = Signer::new("k1");
    let issuer = Issuer::start(&[&signer]).await;
    let app = gateway(&issuer.url, json!({})).await;
    let claims = issuer.claims(DESK);
    let typed = |typ: Value| signer.sign_as(typ, &claims);
    for typ in [
        json!(null),
        json!("JWT"),
        json!("at+jwt"),
        json!("application/at+jwt"),
        json!("AT+JWT"),
    ] {
        assert_eq!(status(&app, &typed(typ.clone())).await, 200, "{typ}");
    }
    for typ in ["logout+jwt", "dpop+jwt", "oauth-id-jag+jwt", "secevent+jwt", ""] {
        assert_eq!(status(&app, &typed(json!(typ))).await, 401, "{typ}");
    }
    assert_eq!(status(&app, &typed(json!(7))).await, 401);
    let strict = gateway(&issuer.url, json!({"token_types": ["at+jwt"]})).await;
    assert_eq!(status(&strict, &typed(json!("application/at+jwt"))).await, 200);
    for typ in [json!(null), json!("JWT")] {
        assert_eq!(status(&strict, &typed(typ.clone())).await, 401, "{typ}");
    }
}
