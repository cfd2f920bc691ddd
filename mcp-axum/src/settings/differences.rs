//! Which keys of two configurations have other values. Only names: values may be secrets.

use super::{Settings, SignInSettings, WebhookSettings};
use mcp_common::secret::{ExposeSecret, Secret};
use serde_json::Value;
use std::collections::BTreeMap;

impl Settings {
    /// The full names of all keys whose values differ.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let (own, other) = (values(self), values(other));
        let mut keys: Vec<String> = own
            .iter()
            .filter(|(key, value)| other.get(*key) != Some(value))
            .map(|(key, _)| key.clone())
            .chain(other.keys().filter(|key| !own.contains_key(*key)).cloned())
            .collect();
        keys.sort();
        keys
    }
}

/// By full names; lists are values.
fn values(settings: &Settings) -> BTreeMap<String, Value> {
    let json = |section: serde_json::Result<Value>| section.unwrap_or_default();
    let tables = |tables: &super::PluginTables| {
        let tables = tables.iter();
        Value::Object(
            tables
                .map(|(name, table)| (name.clone(), table.clone()))
                .collect(),
        )
    };
    let sections = [
        ("app", json(serde_json::to_value(&settings.app))),
        ("watchdog", json(serde_json::to_value(&settings.watchdog))),
        ("log", json(serde_json::to_value(&settings.log))),
        ("audit", json(serde_json::to_value(&settings.audit))),
        ("metrics", json(serde_json::to_value(&settings.metrics))),
        ("otlp", json(serde_json::to_value(&settings.otlp))),
        ("access", json(serde_json::to_value(&settings.access))),
        ("limits", json(serde_json::to_value(&settings.limits))),
        ("events", json(serde_json::to_value(&settings.events))),
        ("data_source", tables(&settings.data_source)),
        ("authenticator", tables(&settings.authenticator)),
        ("authorizer", tables(&settings.authorizer)),
        ("upstream", json(serde_json::to_value(&settings.upstream))),
        ("egress", json(serde_json::to_value(&settings.egress))),
        ("secrets", json(serde_json::to_value(&settings.secrets))),
        ("stdio", json(serde_json::to_value(&settings.stdio))),
        ("templates", json(serde_json::to_value(&settings.templates))),
        ("bounds", json(serde_json::to_value(&settings.bounds))),
        ("work", json(serde_json::to_value(&settings.work))),
        ("mcp", json(serde_json::to_value(&settings.mcp))),
    ];
    let mut found = BTreeMap::new();
    for (name, section) in sections {
        collect(name.to_owned(), section, &mut found);
    }
    // They are written as what is shown of them.
    let secret = |secret: &Option<Secret>| {
        Value::from(secret.as_ref().map(|secret| secret.expose_secret().to_owned()))
    };
    found.insert("app.api_key".to_owned(), secret(&settings.app.api_key));
    found.insert("secrets.key".to_owned(), secret(&settings.secrets.key));
    found.insert(
        "limits.redis.password".to_owned(),
        settings.limits.redis.compared(),
    );
    found.insert(
        "audit.sinks.webhook".to_owned(),
        settings.audit.sinks.webhook.compared(),
    );
    found.insert("otlp.headers".to_owned(), settings.otlp.compared());
    let webhooks = settings.webhooks.iter().map(WebhookSettings::compared);
    found.insert("webhooks".to_owned(), webhooks.collect());
    let sign_in = settings.sign_in.iter().map(SignInSettings::compared);
    found.insert("sign_in".to_owned(), sign_in.collect());
    found.insert("discovery".to_owned(), settings.discovery.0.clone().into());
    found.insert("register".to_owned(), settings.register.0.clone().into());
    let servers = settings.aggregated.iter().flat_map(|aggregated| {
        let documents = aggregated
            .upstreams
            .iter()
            .map(|upstream| upstream.document.clone());
        documents.chain([aggregated.is_open.into()])
    });
    found.insert("servers".to_owned(), servers.collect());
    found.insert("agents.known".to_owned(), settings.agents.known.0.clone().into());
    found.insert(
        "mcp.session_secret".to_owned(),
        secret(&settings.mcp.session_secret),
    );
    found
}

fn collect(key: String, value: Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(format!("{key}.{name}"), value, found);
            }
        }
        value => {
            found.insert(key, value);
        }
    }
}
