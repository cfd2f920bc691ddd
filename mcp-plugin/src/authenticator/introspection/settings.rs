//! The list `authenticator.introspection.issuers`: what is said of issuers of tokens that are verified here, and where they are asked.

use crate::{
    authenticator::jwt::{self, Issuer},
    trustworthy::is_trustworthy,
};
use mcp_common::{
    plugin::{PluginError, Settings, Table},
    secret::Secret,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

const TABLE: &str = "authenticator.introspection";
/// What issuers of tokens that are verified here have, and these have not.
const OF_JWT: [&str; 4] = ["jwks_uri", "algorithms", "token_types", "leeway_seconds"];
const OWN: [&str; 5] = [
    "endpoint",
    "client_id",
    "client_secret",
    "cache_seconds",
    "timeout_ms",
];

/// Somebody who is asked about tokens.
pub(super) struct Asked {
    pub(super) issuer: Arc<Issuer>,
    pub(super) endpoint: String,
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    /// How long an answer is good.
    pub(super) kept: Duration,
    /// How long a request waits for one.
    pub(super) patience: Duration,
}

/// All of them.
pub(super) fn issuers(settings: &Settings) -> Result<Vec<Asked>, PluginError> {
    let (issuers, problems) = read(settings)?;
    problems.into_iter().next().map_or(Ok(issuers), Err)
}

/// Everything that is wrong with them.
pub(super) fn problems(settings: &Settings) -> Vec<PluginError> {
    read(settings).map_or_else(|problem| vec![problem], |(_, problems)| problems)
}

fn read(settings: &Settings) -> Result<(Vec<Asked>, Vec<PluginError>), PluginError> {
    let table = Table::new(TABLE, settings, &["issuers"])?;
    let shape = "expected a list of {name, issuer, endpoint, client_id, client_secret, …}; in a variable of the environment it is written as JSON";
    let list = match table.get("issuers") {
        Some(Value::Array(list)) if !list.is_empty() => list.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| table.wrong("issuers", shape))?,
        None | Some(Value::Array(_)) => {
            return Err(table.wrong("issuers", "no issuer is listed, so that no token is taken"));
        }
        Some(_) => return Err(table.wrong("issuers", shape)),
    };
    let (mut issuers, mut problems) = (Vec::<Asked>::new(), Vec::new());
    for (index, entry) in list.iter().enumerate() {
        match one(&format!("{TABLE}.issuers[{index}]"), entry) {
            Err(problem) => problems.push(problem),
            Ok(asked) => {
                let Issuer { name, url, .. } = &*asked.issuer;
                let is_twin = |known: &Asked| known.issuer.name == *name || known.issuer.url == *url;
                // Users of two with one name would be the same people.
                if issuers.iter().any(is_twin) {
                    let reason = format!("two have the name `{name}` or the issuer `{url}`");
                    problems.push(table.wrong("issuers", reason));
                }
                issuers.push(asked);
            }
        }
    }
    Ok((issuers, problems))
}

fn one(path: &str, entry: &Value) -> Result<Asked, PluginError> {
    let mut rest = entry.clone();
    let mut own = serde_json::Map::new();
    if let Some(members) = rest.as_object_mut() {
        for name in OWN {
            own.extend(members.remove_entry(name));
        }
        if let Some(name) = OF_JWT.iter().find(|name| members.contains_key(**name)) {
            return Err(PluginError::Setting {
                key: format!("{path}.{name}"),
                reason: "is for tokens that are verified here (`authenticator.jwt`)".to_owned(),
            });
        }
    }
    let mut issuer = jwt::issuer(path, &rest)?;
    let own = Value::Object(own);
    let table = Table::new(path, &own, &OWN)?;
    let needed = |name: &str| {
        table
            .text(name)?
            .ok_or_else(|| table.wrong(name, "must be given"))
    };
    let endpoint = needed("endpoint")?.to_owned();
    if !is_trustworthy(&endpoint) {
        let reason = "must begin with https://, or with http:// and a name of this machine";
        return Err(table.wrong("endpoint", reason));
    }
    // The issuer says itself what is still good.
    issuer.leeway = 0;
    Ok(Asked {
        issuer: Arc::new(issuer),
        endpoint,
        client_id: needed("client_id")?.to_owned(),
        client_secret: table
            .secret("client_secret")?
            .ok_or_else(|| table.wrong("client_secret", "must be given"))?,
        kept: Duration::from_secs(table.number("cache_seconds", 0..=3_600, 30)?),
        patience: Duration::from_millis(table.number("timeout_ms", 10..=30_000, 3_000)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn two_issuers_have_two_names() {
        let entry = |name: &str, issuer: &str| {
            json!({
                "name": name, "issuer": issuer, "endpoint": "https://a.example/introspect", "client_id": "gateway", "client_secret": "s",
            })
        };
        let said = |second: Value| {
            let problems = problems(&json!({"issuers": [entry("a", "https://a.example"), second]}));
            problems.iter().map(ToString::to_string).collect::<String>()
        };
        assert_eq!(said(entry("b", "https://b.example")), "");
        for (name, issuer) in [("a", "https://b.example"), ("b", "https://a.example")] {
            let said = said(entry(name, issuer));
            assert!(
                said.starts_with("authenticator.introspection.issuers: two have"),
                "{said}"
            );
        }
    }
}
