//! Tokens that stand for a key of the store for some minutes: for programs that do not want to send the key with each request. A token is
//! good as long as the secret of the key that it was made for is, on every replica with the same secret.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_common::definition::api_key::Digest;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What each begins with. A token whose header says anything else is none of these: nobody chooses an algorithm.
const HEADER: &str = r#"{"alg":"HS256","kid":"dynmcp-key","typ":"at+jwt"}"#;
/// How long one is good.
const LIFE: Duration = Duration::from_secs(900);
/// A longer one was not made here.
const LONGEST: usize = 1024;
/// What of the digest of a key tells its secrets apart.
const MARK: usize = 8;

/// Makes and reads them.
#[derive(Clone)]
pub struct ShortTokens {
    key: hmac::Key,
    /// What they begin with, as it is shown, with the point.
    start: String,
}

/// A token that was made.
pub struct ShortToken {
    /// What is shown.
    pub text: String,
    /// How long it is good.
    pub life: Duration,
}

/// What one says.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    /// The id of the key.
    pub(super) sub: String,
    /// Which of its secrets was shown.
    mark: String,
    iat: u64,
    exp: u64,
}

impl ShortTokens {
    /// Signed with a key that is made of this secret.
    pub fn new(secret: &[u8]) -> Self {
        let purpose = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            b"short tokens of keys",
        );
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, purpose.as_ref()),
            start: format!("{}.", URL_SAFE_NO_PAD.encode(HEADER)),
        }
    }

    /// One for whoever showed the secret of this digest; it ends with the key, where that ends sooner.
    pub fn issue(&self, key: &str, secret: &Digest, end: Option<SystemTime>, now: SystemTime) -> ShortToken {
        let left = end.map(|end| end.duration_since(now).unwrap_or_default());
        let life = Duration::from_secs(left.map_or(LIFE, |left| left.min(LIFE)).as_secs());
        let iat = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            sub: key.to_owned(),
            mark: mark(secret),
            iat,
            exp: iat + life.as_secs(),
        };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let mut text = format!("{}{}", self.start, URL_SAFE_NO_PAD.encode(claims));
        let signature = hmac::sign(&self.key, text.as_bytes());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        ShortToken { text, life }
    }

    /// Whether it says to be one of these.
    pub(super) fn is_one(&self, shown: &[u8]) -> bool {
        shown.starts_with(self.start.as_bytes())
    }

    /// What it says, if it was made with this secret.
    pub(super) fn read(&self, shown: &[u8]) -> Option<Claims> {
        let shown = std::str::from_utf8(shown)
            .ok()
            .filter(|shown| shown.len() <= LONGEST)?;
        let (signed, signature) = shown.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(signed.strip_prefix(&self.start)?).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

impl Claims {
    /// When it ends.
    pub(super) fn end(&self) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_secs(self.exp))
            .unwrap_or(UNIX_EPOCH)
    }

    /// Whether it was made for this secret of the key.
    pub(super) fn is_of(&self, secret: &Digest) -> bool {
        self.mark == mark(secret)
    }
}

fn mark(secret: &Digest) -> String {
    secret
        .0
        .iter()
        .take(MARK)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
