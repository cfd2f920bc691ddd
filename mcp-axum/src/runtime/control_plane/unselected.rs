//! Tables of plugins that are not selected. What is missing or wrong there is nobody's business until they are; a name that is
//! misspelt is a mistake now, and would be found on the day when somebody depends on it.

use super::BuildError;
use crate::{app::GuardError, settings::Settings};
use mcp_common::plugin::{
    AuthenticatorFactory, AuthorizerFactory, DataSourceFactory, PluginError, Registry, all_problems,
};
use serde_json::Value;

/// No setting is called so. Whoever reads a table stops at names that there are not: before a disk is looked at, which is not
/// to be touched for a store that nobody uses.
const NOBODYS: &str = "";

/// The settings that there are not.
pub(super) fn problems(settings: &Settings) -> Vec<BuildError> {
    let mut found = Vec::new();
    // Two plugins of one name were found when the settings were read.
    if let Ok(registry) = Registry::<dyn DataSourceFactory>::data_sources() {
        let others = settings.data_source.iter();
        let others = others.filter(|(name, _)| **name != settings.app.data_source);
        for (name, table) in others {
            if let Ok(factory) = registry.get(name) {
                let names = of_store(table, |table| factory.check(table));
                found.extend(names.into_iter().map(BuildError::Source));
            }
        }
    }
    if let Ok(registry) = Registry::<dyn AuthenticatorFactory>::authenticators() {
        let others = settings.authenticator.iter();
        let others = others.filter(|(name, _)| !settings.app.authenticators.contains(*name));
        for (name, table) in others {
            if let Ok(factory) = registry.get(name) {
                let place = format!("authenticator.{name}");
                let names = only_names(all_problems(&place, table, |table| factory.check(table)));
                found.extend(names.map(|problem| BuildError::Guard(GuardError::from(problem))));
            }
        }
    }
    if let Ok(registry) = Registry::<dyn AuthorizerFactory>::authorizers() {
        let selected = settings.access.external.authorizer.as_ref();
        let others = settings.authorizer.iter();
        for (name, table) in others.filter(|(name, _)| Some(*name) != selected) {
            if let Ok(factory) = registry.get(name) {
                let place = format!("authorizer.{name}");
                let names = only_names(all_problems(&place, table, |table| factory.check(table)));
                found.extend(names.map(BuildError::External));
            }
        }
    }
    found
}

fn of_store(table: &Value, check: impl Fn(&Value) -> Vec<PluginError>) -> Vec<PluginError> {
    let mut table = table.clone();
    let Some(members) = table.as_object_mut() else {
        return Vec::new();
    };
    members.insert(NOBODYS.to_owned(), Value::Null);
    let mut found = Vec::new();
    for problem in only_names(check(&table)) {
        let PluginError::NoSuchSettings {
            table,
            mut names,
            known,
        } = problem
        else {
            continue;
        };
        // A configuration has them in no order.
        names.sort();
        let names = names.into_iter().filter(|name| name != NOBODYS);
        found.extend(names.map(|name| PluginError::NoSuchSettings {
            table: table.clone(),
            names: vec![name],
            known: known.clone(),
        }));
    }
    found
}

fn only_names(problems: Vec<PluginError>) -> impl Iterator<Item = PluginError> {
    let problems = problems.into_iter();
    problems.filter(|problem| matches!(problem, PluginError::NoSuchSettings { .. }))
}
