//! The effective configuration for people's eyes: everything but secrets.

use super::{PluginTables, Settings};
use mcp_common::secret::Secret;
use serde::Serialize;
use serde_json::Value;

/// Stands where a secret would.
pub(super) const REDACTED: &str = "***";

/// A key with one of these in its name is a secret, whatever plugin it belongs to.
const SECRET_WORDS: [&str; 7] = [
    "password",
    "passwd",
    "secret",
    "token",
    "key",
    "hash",
    "credential",
];

pub(super) fn redacted_toml(settings: &Settings) -> String {
    #[derive(Serialize)]
    struct Sections<'a> {
        app: &'a super::AppSettings,
        watchdog: &'a super::WatchdogSettings,
        log: &'a super::LogSettings,
        audit: &'a super::AuditSettings,
        metrics: &'a super::MetricSettings,
        otlp: &'a super::OtlpSettings,
        access: &'a super::AccessSettings,
        limits: &'a super::LimitSettings,
        events: &'a super::EventSettings,
        data_source: PluginTables,
        authenticator: PluginTables,
        #[serde(skip_serializing_if = "PluginTables::is_empty")]
        authorizer: PluginTables,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        discovery: Vec<Value>,
        #[serde(skip_serializing_if = "PluginTables::is_empty")]
        agents: PluginTables,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        register: Vec<Value>,
        upstream: &'a super::UpstreamSettings,
        egress: &'a super::EgressSettings,
        secrets: &'a super::SecretSettings,
        stdio: &'a super::StdioSettings,
        templates: &'a super::TemplateSettings,
        bounds: &'a super::BoundsSettings,
        work: &'a super::WorkSettings,
        mcp: &'a super::McpSettings,
        #[serde(skip_serializing_if = "Option::is_none")]
        webhooks: Option<&'a [super::WebhookSettings]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sign_in: Option<&'a [super::SignInSettings]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        servers: Option<Vec<Value>>,
    }
    let redacted = |tables: &PluginTables| {
        tables
            .iter()
            .map(|(name, table)| (name.clone(), redact("", table)))
            .collect()
    };
    let sections = Sections {
        app: &settings.app,
        watchdog: &settings.watchdog,
        log: &settings.log,
        audit: &settings.audit,
        metrics: &settings.metrics,
        otlp: &settings.otlp,
        access: &settings.access,
        limits: &settings.limits,
        events: &settings.events,
        data_source: redacted(&settings.data_source),
        authenticator: redacted(&settings.authenticator),
        authorizer: redacted(&settings.authorizer),
        discovery: settings
            .discovery
            .0
            .iter()
            .map(|table| redact("", table))
            .collect(),
        agents: match &settings.agents.known.0[..] {
            [] => PluginTables::new(),
            known => [("known".to_owned(), redact("", &known.into()))].into(),
        },
        register: settings
            .register
            .0
            .iter()
            .map(|table| redact("", table))
            .collect(),
        upstream: &settings.upstream,
        egress: &settings.egress,
        secrets: &settings.secrets,
        stdio: &settings.stdio,
        templates: &settings.templates,
        bounds: &settings.bounds,
        work: &settings.work,
        mcp: &settings.mcp,
        servers: settings.aggregated.as_ref().map(|aggregated| {
            let upstreams = aggregated.upstreams.iter();
            upstreams.map(|upstream| redact("", &upstream.document)).collect()
        }),
        webhooks: (!settings.webhooks.is_empty()).then_some(&settings.webhooks),
        sign_in: (!settings.sign_in.is_empty()).then_some(&settings.sign_in),
    };
    // Only a plugin's table could hold what TOML cannot say.
    toml::to_string(&sections).unwrap_or_else(|error| format!("# cannot be shown as TOML: {error}\n"))
}

/// Whether what a key of this name has is a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Any header may be a credential, and any variable of a program.
fn holds_secrets(name: &str) -> bool {
    ["headers", "env"]
        .iter()
        .any(|table| name.eq_ignore_ascii_case(table))
}

/// Whether what stands at this path is shown as a secret.
pub(super) fn is_secret_at(path: &str) -> bool {
    let mut names = names(path);
    names.next_back().is_some_and(is_secret) || names.any(holds_secrets)
}

/// Whether it may be a part of one, too.
pub(super) fn touches_secret(path: &str) -> bool {
    names(path).any(|name| is_secret(name) || holds_secrets(name))
}

/// The names of a path, without the places in lists.
fn names(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('.')
        .map(|name| name.split_once('[').map_or(name, |(name, _)| name))
}

fn redact(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| {
                    let is_any = holds_secrets(key);
                    (name.clone(), redact(if is_any { "secret" } else { name }, value))
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|item| redact(key, item)).collect()),
        _ if is_secret(key) => REDACTED.into(),
        Value::String(text) => without_userinfo(text).into(),
        other => other.clone(),
    }
}

/// `mysql://user:password@host/db?password=x` → `mysql://***@host/db?***`: a driver may read credentials from both.
fn without_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (rest, query) = rest
        .split_once('?')
        .map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // A password may hold an unencoded `@` or `/`; take everything up to the last `@`.
    match rest.rsplit_once('@') {
        Some((_, after)) => format!("{scheme}://{REDACTED}@{after}{query}"),
        None => format!("{scheme}://{authority}{path}{query}"),
    }
}

/// Writes a URL of a section without what may be a credential in it: for many receivers the path is one.
pub(super) fn url<S: serde::Serializer>(url: &str, output: S) -> Result<S::Ok, S::Error> {
    let parts = url
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.split_once(['/', '?', '#'])?.0)));
    match parts {
        Some((scheme, authority)) if !authority.contains('@') => {
            output.serialize_str(&format!("{scheme}://{authority}/{REDACTED}"))
        }
        _ => output.serialize_str(&without_userinfo(url)),
    }
}

/// Writes a secret of a section: says that there is one, nothing else.
pub(super) fn secret<S: serde::Serializer>(secret: &Option<Secret>, output: S) -> Result<S::Ok, S::Error> {
    output.serialize_str(if secret.is_some() { REDACTED } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_userinfo_and_query() {
        let cases = [
            (
                "mysql://root:p@ss/w@db:3306/x?password=y",
                "mysql://***@db:3306/x?***",
            ),
            ("postgres://db/x", "postgres://db/x"),
            ("http://etcd:2379", "http://etcd:2379"),
            ("data/dynmcp.db", "data/dynmcp.db"),
        ];
        for (url, shown) in cases {
            assert_eq!(without_userinfo(url), shown);
        }
    }
}
