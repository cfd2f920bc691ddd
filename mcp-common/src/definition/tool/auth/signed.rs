//! Requests that are signed: what an upstream is shown is made of the request itself, and the key never leaves the gateway.

use super::super::{MaybeSecret, SecretReference};
use crate::problem::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

/// The longest text that is signed, before anything is filled in.
const LONGEST_MESSAGE: usize = 4 * 1024;

/// A signature of AWS, version 4.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsSigV4 {
    /// The id of the access key: a text, or a reference to a secret.
    #[schemars(example = &"AKIAIOSFODNN7EXAMPLE")]
    pub access_key: MaybeSecret,
    /// The secret access key: a reference to a secret.
    pub secret_key: SecretReference,
    /// The session token of keys that end: a reference to a secret.
    pub session_token: Option<SecretReference>,
    /// The region.
    #[schemars(example = &"eu-central-1")]
    pub region: String,
    /// The service, as in its credential scope.
    #[schemars(example = &"execute-api")]
    pub service: String,
    /// Whether `X-Amz-Content-Sha256` says what the body is. Where nothing is said: for `s3` and `aoss`, which want it.
    pub content_sha256: Option<bool>,
}

/// A signature by a key that both sides have (HMAC), over a text that is declared here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hmac {
    /// The key: a reference to a secret.
    pub key: SecretReference,
    /// How the secret writes the key.
    #[serde(default)]
    #[schemars(extend("default" = "text"))]
    pub key_encoding: KeyEncoding,
    /// The hash.
    #[serde(default)]
    #[schemars(extend("default" = "sha256"))]
    pub algorithm: HmacAlgorithm,
    /// The text that is signed. `{method}`, `{path}`, `{query}`, `{target}` (path and query), `{host}`, `{timestamp}`, `{nonce}`, `{body}`,
    /// `{body_sha256}` and `{body_sha512}` (hexadecimal) stand for the request that is sent, `{{` and `}}` for braces.
    #[schemars(example = &"{method}\n{target}\n{timestamp}\n{body_sha256}")]
    pub message: String,
    /// The header of the signature, `X-Signature` where nothing is said.
    pub header: Option<String>,
    /// What stands before the signature.
    #[serde(default)]
    #[schemars(example = &"sha256=")]
    pub prefix: String,
    /// How the signature is written.
    #[serde(default)]
    #[schemars(extend("default" = "hex"))]
    pub encoding: SignatureEncoding,
    /// The header of the time, which `{timestamp}` is.
    #[schemars(example = &"X-Timestamp")]
    pub timestamp_header: Option<String>,
    /// How the time is written.
    #[serde(default)]
    #[schemars(extend("default" = "seconds"))]
    pub timestamp_format: TimestampFormat,
    /// The header of a value of its own for each request, which `{nonce}` is.
    #[schemars(example = &"X-Nonce")]
    pub nonce_header: Option<String>,
    /// Which key it is, for upstreams that know several: a text, or a reference to a secret.
    pub key_id: Option<MaybeSecret>,
    /// The header of `key_id`.
    #[schemars(example = &"X-Key-Id")]
    pub key_id_header: Option<String>,
}

/// `auth.key_encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// The secret's own bytes.
    #[default]
    Text,
    /// Hexadecimal digits.
    Hex,
    /// Base64.
    Base64,
}

/// `auth.algorithm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HmacAlgorithm {
    /// HMAC-SHA-256.
    #[default]
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

/// `auth.encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    /// Hexadecimal digits, lower case.
    #[default]
    Hex,
    /// Base64.
    Base64,
}

/// `auth.timestamp_format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimestampFormat {
    /// Seconds since 1970.
    #[default]
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// RFC 3339, UTC, in whole seconds.
    Rfc3339,
}

impl AwsSigV4 {
    pub(in crate::definition) fn references(&self) -> Vec<&SecretReference> {
        let key = self.access_key.reference().into_iter();
        key.chain([&self.secret_key]).chain(&self.session_token).collect()
    }

    /// What is wrong with it; `at` is its place, with a dot behind it.
    pub fn check(&self, at: &str, problems: &mut Vec<Problem>) {
        let is_word = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        for (member, text) in [("region", &self.region), ("service", &self.service)] {
            if !is_word(text) {
                let reason = "must have letters, digits, `-`, `_` and `.` only";
                problems.push(Problem::at(format!("{at}{member}"), reason));
            }
        }
        if let MaybeSecret::Plain(key) = &self.access_key
            && !is_word(key)
        {
            problems.push(Problem::at(
                format!("{at}access_key"),
                "is no id of an access key",
            ));
        }
    }
}

impl Hmac {
    pub(in crate::definition) fn references(&self) -> Vec<&SecretReference> {
        let id = self.key_id.iter().filter_map(MaybeSecret::reference);
        id.chain([&self.key]).collect()
    }

    /// What is wrong with it; `at` is its place, with a dot behind it. The headers' names are looked at where they are used.
    pub fn check(&self, at: &str, problems: &mut Vec<Problem>) {
        let mut report = |member: &str, reason: String| {
            problems.push(Problem::at(format!("{at}{member}"), reason));
        };
        if self.message.len() > LONGEST_MESSAGE {
            let reason = format!(
                "has {} bytes, at most {LONGEST_MESSAGE} are allowed",
                self.message.len()
            );
            report("message", reason);
        }
        let names = |name: &str| self.message.contains(name);
        let sent = [
            ("{timestamp}", "timestamp_header", self.timestamp_header.is_some()),
            ("{nonce}", "nonce_header", self.nonce_header.is_some()),
        ];
        for (name, header, is_sent) in sent {
            if names(name) && !is_sent {
                report(
                    header,
                    format!("is missing: the upstream has to be told what `{name}` of the message was"),
                );
            }
            if !names(name) && is_sent {
                report(
                    "message",
                    format!("does not have `{name}`, so that anybody could change the header of `{header}`"),
                );
            }
        }
        match (&self.key_id, &self.key_id_header) {
            (Some(_), None) => report("key_id_header", "is missing: where `key_id` goes".to_owned()),
            (None, Some(_)) => report("key_id", "is missing: what the header says".to_owned()),
            _ => {}
        }
    }
}
