//! Who is asked about calls, as the configuration names them.

use super::BuildError;
use crate::{client::Documents, settings::Settings};
use mcp_common::plugin::{AuthorizerFactory, PluginError, Registry};
use mcp_core::policy::{External, ExternalMetrics};
use serde_json::Value;
use std::sync::Arc;

/// Everything that can be known to be wrong before anybody is asked.
pub(super) fn problems(settings: &Settings) -> Vec<BuildError> {
    let problems = match selected(settings) {
        Ok(None) => Vec::new(),
        Ok(Some((factory, table))) => factory.check(&table),
        Err(problem) => vec![problem],
    };
    problems.into_iter().map(BuildError::External).collect()
}

/// `None` where nobody is asked.
pub(super) fn open(
    settings: &Settings,
    metrics: &ExternalMetrics,
) -> Result<Option<Arc<External>>, BuildError> {
    let made = selected(settings).and_then(|selected| {
        let Some((factory, table)) = selected else {
            return Ok(None);
        };
        factory.make(&table, Arc::new(Documents::default())).map(Some)
    });
    let authorizer = made.map_err(BuildError::External)?;
    let rules = settings.access.external.rules();
    Ok(authorizer.map(|authorizer| Arc::new(External::new(authorizer, rules, metrics.clone()))))
}

/// Whether any of these keys is about it.
pub(super) fn is_about(keys: &[String]) -> bool {
    let is_about = |key: &String| key.starts_with("access.") || key.starts_with("authorizer");
    keys.iter().any(is_about)
}

/// A plugin and its settings.
type Selected = (Box<dyn AuthorizerFactory>, Value);

/// The plugin of `access.external.authorizer` and its settings.
fn selected(settings: &Settings) -> Result<Option<Selected>, PluginError> {
    let Some(name) = &settings.access.external.authorizer else {
        return Ok(None);
    };
    let factory = Registry::<dyn AuthorizerFactory>::authorizers()?.get(name)?;
    let table = settings.authorizer.get(name).cloned();
    Ok(Some((factory, table.unwrap_or(Value::Null))))
}
