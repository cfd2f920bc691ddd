//! The tables of plugins: `[data_source.<name>]`, `[authenticator.<name>]` and `[authorizer.<name>]`.

use super::{Settings, SettingsError};
use mcp_common::plugin::{
    AuthenticatorFactory, AuthorizerFactory, DataSourceFactory, HealthProbeFactory, Registry,
};
use serde_json::Value;

/// Tables whose keys only their plugin knows: one for each linked plugin.
pub(super) fn free_form() -> Result<Vec<String>, SettingsError> {
    let duplicate =
        |error: mcp_common::plugin::PluginError| SettingsError::value("plugins", error.to_string());
    let sources = Registry::<dyn DataSourceFactory>::data_sources().map_err(duplicate)?;
    let authenticators = Registry::<dyn AuthenticatorFactory>::authenticators().map_err(duplicate)?;
    let sources = sources.names().map(|name| format!("data_source.{name}"));
    let authenticators = authenticators.names().map(|name| format!("authenticator.{name}"));
    let authorizers = Registry::<dyn AuthorizerFactory>::authorizers().map_err(duplicate)?;
    let authorizers = authorizers.names().map(|name| format!("authorizer.{name}"));
    Registry::<dyn HealthProbeFactory>::health_probes().map_err(duplicate)?;
    let others = ["otlp.headers".to_owned()];
    Ok(sources
        .chain(authenticators)
        .chain(authorizers)
        .chain(others)
        .collect())
}

/// Makes what the environment wrote look like what a file writes, and leaves out what is not set.
pub(super) fn normalise(settings: &mut Settings) {
    if let Some(Value::Object(etcd)) = settings.data_source.get_mut("etcd")
        && let Some(Value::String(endpoints)) = etcd.get("endpoints")
        && from_json(endpoints).is_none()
    {
        let parts = endpoints
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let parts = parts.map(Value::from).collect();
        etcd.insert("endpoints".to_owned(), Value::Array(parts));
    }
    for table in settings
        .data_source
        .values_mut()
        .chain(settings.authenticator.values_mut())
        .chain(settings.authorizer.values_mut())
    {
        if let Value::Object(members) = table {
            members.retain(|_, value| !matches!(value, Value::String(text) if text.is_empty()));
            for (_, value) in members.iter_mut() {
                if let Value::String(text) = value
                    && let Some(read) = from_json(text)
                {
                    *value = read;
                }
            }
        }
    }
}

/// Lists and tables, which a variable of the environment has as JSON.
fn from_json(text: &str) -> Option<Value> {
    let is_composed = text.trim_start().starts_with(['[', '{']);
    let read: Value = is_composed.then(|| serde_json::from_str(text).ok())??;
    (read.is_array() || read.is_object()).then_some(read)
}
