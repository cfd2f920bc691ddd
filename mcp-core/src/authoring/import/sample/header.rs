//! Headers of a request that was made: which of them every call should have.

use crate::{authoring::import::Imported, secrets::SECRET_VARIABLES};
use mcp_common::credential_name::{is_credential, may_be_credential};
use serde_json::{Map, Value};

/// Made by the client or by who is between; they say nothing about the operation.
const OF_THE_CLIENT: [&str; 18] = [
    "host",
    "content-length",
    "content-type",
    "connection",
    "accept-encoding",
    "accept-language",
    "user-agent",
    "origin",
    "referer",
    "cookie",
    "cache-control",
    "pragma",
    "dnt",
    "te",
    "upgrade-insecure-requests",
    "priority",
    "transfer-encoding",
    "postman-token",
];

/// The headers that belong to the operation, with their values. Credentials are not stored; a note says so.
pub(super) fn fixed(
    headers: &[(String, String)],
    operation: &str,
    imported: &mut Imported,
) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, value) in headers {
        let lower = name.trim().to_ascii_lowercase();
        let is_of_client =
            OF_THE_CLIENT.contains(&lower.as_str()) || lower.starts_with("sec-") || lower.starts_with(':');
        let says_nothing = lower == "accept" && value.trim() == "*/*";
        if is_of_client || says_nothing {
            continue;
        }
        if may_be_credential(name) {
            let holds = if is_credential(name) { "holds" } else { "may hold" };
            imported.note(format!(
                "{operation}: the header {name} {holds} a credential, which is not imported; add `auth` with a reference \
                 such as ${{env:{SECRET_VARIABLES}TOKEN}}"
            ));
        } else if value.contains("{{") {
            imported.note(format!(
                "{operation}: the header {name} has a variable without a value and is left out"
            ));
        } else if !out.contains_key(name.trim()) {
            out.insert(name.trim().to_owned(), value.trim().into());
        }
    }
    out
}

/// The media type of the body, without what is only of the one request.
pub(super) fn content_type(headers: &[(String, String)]) -> Option<String> {
    let (_, value) = headers
        .iter()
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"))?;
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    (!essence.is_empty()).then_some(essence)
}
