//! Which store a snapshot is of: one of another store would serve tools that nobody meant to be here.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A data source by name and by where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) source: String,
    pub(super) fingerprint: String,
}

/// Settings that say how, not where. A changed password or interval leaves the store the same.
const HOW: [&str; 15] = [
    "password",
    "passwd",
    "secret",
    "token",
    "key",
    "user",
    "_ms",
    "seconds",
    "history",
    "writable",
    "max_",
    "_file",
    "server_name",
    "pool",
    "migrate",
];

impl Owner {
    pub(super) fn new(source: &str, settings: Option<&Value>) -> Self {
        let mut place = settings.cloned().unwrap_or(Value::Null);
        if let Value::Object(members) = &mut place {
            members.retain(|name, _| !HOW.iter().any(|word| name.contains(word)));
            members.sort_keys();
            for (_, value) in members.iter_mut() {
                without_login(value);
            }
        }
        let empty = Value::Object(Map::new());
        let place = if place.is_null() { &empty } else { &place };
        let mut fingerprint = String::with_capacity(64);
        for byte in Sha256::digest(place.to_string()) {
            // Writing to a text does not fail.
            let _ = write!(fingerprint, "{byte:02x}");
        }
        Self {
            source: source.to_owned(),
            fingerprint,
        }
    }
}

/// Parameters of a URL that say how, beside those. All others may say where, as PostgreSQL's `options` with a schema.
const HOW_OF_URL: [&str; 7] = [
    "ssl",
    "charset",
    "collation",
    "statement-cache-capacity",
    "application_name",
    "timeout",
    "apikey",
];

/// `postgres://user:password@host/database?sslmode=require&options=-csearch_path=a` →
/// `postgres://host/database?options=-csearch_path=a`
fn without_login(value: &mut Value) {
    match value {
        Value::String(text) => {
            let Some((scheme, rest)) = text.split_once("://") else {
                return;
            };
            let rest = rest.split('#').next().unwrap_or_default();
            let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let parameters = query.split('&').filter(|parameter| says_where(parameter));
            let parameters = parameters.collect::<Vec<_>>().join("&");
            let question_mark = if parameters.is_empty() { "" } else { "?" };
            *text = format!("{scheme}://{host}{path}{question_mark}{parameters}");
        }
        Value::Array(values) => values.iter_mut().for_each(without_login),
        _ => {}
    }
}

fn says_where(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    !name.is_empty() && !HOW.iter().chain(&HOW_OF_URL).any(|word| name.contains(word))
}
