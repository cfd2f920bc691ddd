//! Tokens that are wrong in one way each, and good ones whose holders may do little.

use crate::{
    test_app::{Client, TestApp},
    tokens::{
        issuer::{Issuer, now},
        signer::{Signer, encoded},
    },
};
use ring::hmac;
use serde_json::{Value, json};

pub const PUBLIC: &str = "https://gateway.example.com";

/// The issuer of the configuration, another one, and keys of both, which are called the same.
pub struct Issuers {
    pub own: Issuer,
    signer: Signer,
    stranger: Issuer,
    forger: Signer,
}

impl Issuers {
    pub async fn start() -> Self {
        let (signer, forger) = (Signer::new("k1"), Signer::new("k1"));
        Self {
            own: Issuer::start(&[&signer]).await,
            stranger: Issuer::start(&[&forger]).await,
            signer,
            forger,
        }
    }

    /// For the instance `desk` and for `/admin`.
    fn claims(&self, more: Value) -> Value {
        let mut claims = self.own.claims("");
        claims["aud"] = json!([format!("{PUBLIC}/mcp/desk"), format!("{PUBLIC}/admin")]);
        let more = more.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(more);
        claims
    }

    /// Whose holder has these roles.
    pub fn good(&self, app: &TestApp, roles: &[&str]) -> Client {
        let claims = self.claims(json!({"realm_access": {"roles": roles}}));
        Client::new(app.address(), Some(self.signer.sign(&claims)))
    }

    pub fn bad(&self) -> Vec<(&'static str, String)> {
        let sign = |more: Value| self.signer.sign(&self.claims(more));
        let claims = self.claims(json!({}));
        let keys = format!("{}/keys", self.stranger.url);
        let header =
            json!({"alg": "ES256", "kid": "k1", "jku": keys, "x5u": keys, "jwk": self.forger.public()});
        let unsigned =
            |header: Value| format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let hs256 = {
            let message = unsigned(json!({"alg": "HS256", "kid": "k1"}));
            let key = hmac::Key::new(hmac::HMAC_SHA256, &self.signer.point());
            format!("{message}.{}", encoded(hmac::sign(&key, message.as_bytes())))
        };
        let of_stranger = self.claims(json!({"iss": self.stranger.url}));
        vec![
            (
                "an unsigned token (`none`)",
                format!("{}.", unsigned(json!({"alg": "none"}))),
            ),
            (
                "a token for another instance",
                sign(json!({"aud": format!("{PUBLIC}/mcp/zebra-7")})),
            ),
            ("a token for the whole gateway", sign(json!({"aud": PUBLIC}))),
            ("a token for nobody", sign(json!({"aud": null}))),
            ("a token that has ended", sign(json!({"exp": now() - 3600}))),
            ("a token that is not good yet", sign(json!({"nbf": now() + 3600}))),
            (
                "a token of another issuer, whose key has the same name",
                self.forger.sign(&of_stranger),
            ),
            (
                "a token of the issuer, signed by another key of the same name",
                self.forger.sign(&claims),
            ),
            (
                "the same with its key, or where that is, in the token (`jwk`, `jku`, `x5u`)",
                self.forger.sign_with(&header, &claims),
            ),
            ("a token with the public key as a secret (`HS256`)", hs256),
            (
                "a token whose algorithm was swapped",
                self.signer
                    .sign_with(&json!({"alg": "RS256", "kid": "k1"}), &claims),
            ),
        ]
    }

    /// Nobody is asked whom a token names.
    pub fn stranger_was_asked(&self) -> usize {
        self.stranger.asked()
    }
}
