//! What can be done about keys, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::refusal::{Always, Failure};
use crate::http::admin::{
    envelope::Success,
    keys::{IssuedKey, KeyUsage, Rotation, SwitchQuery},
};
use utoipa::ToSchema;

/// What a new key is to be; all of it may be left out.
#[derive(ToSchema)]
pub(super) struct NewKey {
    /// Who it is, in logs and in history.
    #[schema(example = "claude-support")]
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// Who answers for it.
    owner: Option<String>,
    /// The instances that it opens, with `*` for any text.
    #[schema(example = json!(["support"]))]
    instances: Option<Vec<String>>,
    /// The tools that it shows, by name with `*` for any text, or by tag; all where nothing is said.
    #[schema(example = json!(["get_*", "tag:read-only"]))]
    tools: Option<Vec<String>>,
    /// The resources that it shows, by URI; all where nothing is said.
    resources: Option<Vec<String>>,
    /// The prompts that it shows; all where nothing is said.
    prompts: Option<Vec<String>>,
    /// Its roles: those of the store, and `admin`, `editor`, `viewer`, `agent`.
    roles: Option<Vec<String>>,
    /// What templates can name as `principal.claims`.
    claims: Option<serde_json::Value>,
    /// How many calls its holder may make, as in the document.
    #[schema(example = json!({"rate": "20/s", "concurrent": 8}))]
    limits: Option<serde_json::Value>,
    /// The time until which it is valid, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Makes a key and shows it, once.
#[utoipa::path(
    post, path = "/admin/keys", tag = "keys", request_body = NewKey,
    responses(
        (status = 200, description = "It is stored and lets its holder in from the next request on", body = Success<IssuedKey>),
        (status = 400, description = "What is wrong, with its place", body = Failure),
        Always
    )
)]
pub(super) fn create_key() {}

/// Gives a key another secret and shows the new key, once.
#[utoipa::path(
    post, path = "/admin/keys/{id}/rotate", tag = "keys", request_body = Rotation,
    params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 200, description = "It is stored; what was valid before is so until the grace is over", body = Success<IssuedKey>),
        (status = 404, description = "There is no such key", body = Failure),
        (status = 409, description = "Somebody changed the key meanwhile", body = Failure),
        Always
    )
)]
pub(super) fn rotate_key() {}

/// Lets the holder of a key in again.
#[utoipa::path(
    post, path = "/admin/keys/{id}/activate", tag = "keys", params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 200, description = "The document as it is stored", body = Success<serde_json::Value>),
        (status = 404, description = "There is no such key", body = Failure),
        Always
    )
)]
pub(super) fn activate_key() {}

/// Lets nobody in with a key any more; it is kept.
#[utoipa::path(
    post, path = "/admin/keys/{id}/inactivate", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), SwitchQuery),
    responses(
        (status = 200, description = "The document as it is stored", body = Success<serde_json::Value>),
        (status = 404, description = "There is no such key", body = Failure),
        (status = 409, description = "It is the last key that may write keys, and no key of the configuration opens `/admin`", body = Failure),
        Always
    )
)]
pub(super) fn inactivate_key() {}

/// When a key was used last, as far as this replica has seen since it started.
#[utoipa::path(
    get, path = "/admin/keys/{id}/usage", tag = "keys", params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 200, description = "From memory", body = Success<KeyUsage>),
        (status = 404, description = "There is no such key", body = Failure),
        Always
    )
)]
pub(super) fn key_usage() {}
