//! An identity provider for tests: metadata, keys, and tokens that it signs or that somebody forges.

use axum::{Json, Router, extract::State, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, task::JoinHandle};

pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// A key and its name.
pub struct Signer {
    pub kid: String,
    pair: EcdsaKeyPair,
}

impl Signer {
    pub fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self {
            kid: kid.to_owned(),
            pair,
        }
    }

    /// As it stands in a set of keys.
    pub fn public(&self) -> Value {
        let point = &self.pair.public_key().as_ref()[1..];
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": encoded(&point[..32]), "y": encoded(&point[32..]),
        })
    }

    /// The bytes of the public key.
    pub fn point(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({"alg": "ES256", "typ": "at+jwt", "kid": self.kid}), claims)
    }

    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encoded(signature))
    }
}

/// The provider; ends when dropped.
pub struct Issuer {
    pub url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    url: Mutex<String>,
    keys: Mutex<Vec<Value>>,
    asked: AtomicUsize,
}

impl Issuer {
    pub async fn start(keys: &[&Signer]) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), keys)
    }

    pub fn start_on(listener: TcpListener, keys: &[&Signer]) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        url.clone_into(&mut shared.url.lock().unwrap());
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys_of))
            .with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let issuer = Self { url, shared, server };
        issuer.rotate(keys);
        issuer
    }

    /// Has these keys from now on.
    pub fn rotate(&self, keys: &[&Signer]) {
        *self.shared.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    /// How often its keys were fetched.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// What a good token for this audience says.
    pub fn claims(&self, audience: &str) -> Value {
        json!({"iss": self.url, "sub": "4711", "aud": audience, "iat": now(), "exp": now() + 300, "realm_access": {"roles": ["agent"]}})
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn metadata(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let url = shared.url.lock().unwrap().clone();
    Json(json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
}

async fn keys_of(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    Json(json!({"keys": *shared.keys.lock().unwrap()}))
}
