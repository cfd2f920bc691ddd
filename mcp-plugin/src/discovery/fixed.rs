//! `static`: servers that the configuration itself lists.

use async_trait::async_trait;
use mcp_common::{
    discovery::{Discovery, Habits, Look, NotSeen, Set, Surroundings, read},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};

/// Makes `static`.
#[derive(Default)]
pub struct Fixed;

#[mcp_common::discovery("static")]
impl DiscoveryFactory for Fixed {
    fn habits(&self) -> Habits {
        Habits {
            interval: Duration::from_secs(3_600),
            is_trusted: true,
            may_be_empty: true,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        match listed(place, settings) {
            Ok(_) => without_values(place, settings),
            Err(problem) => vec![problem],
        }
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        _gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Listed(Some(listed(place, settings)?))))
    }
}

struct Listed(Option<Set>);

#[async_trait]
impl Discovery for Listed {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        Ok(self.0.take().map_or(Look::Same, Look::Set))
    }
}

/// What an entry may say.
const MEMBERS: [&str; 13] = [
    "name",
    "url",
    "description",
    "tags",
    "capabilities",
    "priority",
    "auto_connect",
    "health_check_url",
    "metadata",
    "enabled",
    "timeout",
    "retry_count",
    "auth_token",
];

/// An entry that is wrong is a wrong setting: nobody else wrote it.
fn listed(place: &str, settings: &Settings) -> Result<Set, PluginError> {
    let table = Table::new(place, settings, &["servers", "known"])?;
    let (name, items) = items(settings);
    let Some(items) = items else {
        return Err(table.wrong(name, "is missing: a list of tables with `name` and `url`"));
    };
    let wrong = |index: usize, reason: String| PluginError::Setting {
        key: format!("{place}.{name}[{index}]"),
        reason,
    };
    let mut names = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let members = item.as_object().into_iter().flat_map(|item| item.keys());
        if let Some(unknown) = members
            .into_iter()
            .find(|member| !MEMBERS.contains(&member.as_str()))
        {
            let there_are = MEMBERS.join(", ");
            return Err(wrong(
                index,
                format!("{unknown}: no such setting; there are: {there_are}"),
            ));
        }
        let first = item["name"].as_str().and_then(|name| names.insert(name, index));
        if let Some(first) = first {
            let reason = format!("name: is that of {name}[{first}], too; give each a name of its own");
            return Err(wrong(index, reason));
        }
    }
    let mut set = read(json!(items).to_string().as_bytes()).map_err(|reason| table.wrong(name, reason))?;
    for (index, (announced, item)) in set.upstreams.iter_mut().zip(items).enumerate() {
        let document = announced
            .document
            .as_mut()
            .map_err(|reason| wrong(index, reason.clone()))?;
        if let Some(token) = item
            .get("auth_token")
            .and_then(Value::as_str)
            .filter(|token| !token.is_empty())
        {
            let credential = reference(token).ok_or_else(|| {
                let reason = "auth_token: must not stand here; put it into an environment variable and write \"${NAME}\"";
                wrong(index, reason.to_owned())
            })?;
            document["auth"] = json!({"type": "bearer", "credential": credential});
        }
    }
    Ok(set)
}

/// The entries, and the name of their list: `[[agents.known]]` is such a table, too.
fn items(settings: &Settings) -> (&'static str, Option<&Vec<Value>>) {
    let name = ["known", "servers"]
        .into_iter()
        .find(|name| settings.get(*name).is_some());
    let name = name.unwrap_or("servers");
    (name, settings.get(name).and_then(Value::as_array))
}

/// Tokens of variables that are not there: with none of them a server is ever connected.
fn without_values(place: &str, settings: &Settings) -> Vec<PluginError> {
    let (name, items) = items(settings);
    let problem = |(index, item): (usize, &Value)| {
        let token = reference(item["auth_token"].as_str()?)?;
        let variable = token.strip_prefix("${env:")?.strip_suffix('}')?;
        let what = match std::env::var(variable) {
            Ok(value) if !value.is_empty() => return None,
            Ok(_) => "is empty",
            Err(_) => "is not set",
        };
        Some(PluginError::Setting {
            key: format!("{place}.{name}[{index}].auth_token"),
            reason: format!("the environment variable {variable} {what}"),
        })
    };
    let items = items.into_iter().flatten().enumerate();
    items.filter_map(problem).collect()
}

/// `${NAME}` is an environment variable, as in `${env:NAME}`.
fn reference(token: &str) -> Option<String> {
    let name = token.strip_prefix("${")?.strip_suffix('}')?;
    match name.contains(':') {
        true => Some(token.to_owned()),
        false => Some(format!("${{env:{name}}}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_upstreams_and_credentials_references() {
        let settings = json!({"servers": [
            {"name": "Router", "url": "http://a/mcp", "capabilities": ["routing"], "auth_token": "${DYNMCP_SECRET_A}"},
            {"name": "off", "url": "http://b/mcp", "enabled": false, "auth_token": ""},
        ]});
        let set = listed("agents", &settings).unwrap();
        let documents: Vec<_> = set
            .upstreams
            .iter()
            .map(|one| one.document.clone().unwrap())
            .collect();
        assert_eq!(
            documents[0]["auth"],
            json!({"type": "bearer", "credential": "${env:DYNMCP_SECRET_A}"})
        );
        assert_eq!(documents[0]["capabilities"], json!(["routing"]));
        assert_eq!(
            (&documents[1]["enabled"], documents[1].get("auth")),
            (&json!(false), None)
        );
        for (item, expected) in [
            (json!({"name": "a"}), "agents.known[0]: missing field `url`"),
            (
                json!({"name": "a", "url": "http://a", "auth_token": "s3cr3t"}),
                "agents.known[0]: auth_token: must not stand here",
            ),
            (
                json!({"name": "a", "url": "http://a", "bogus": 1}),
                "agents.known[0]: bogus: no such setting; there are: name, url, ",
            ),
        ] {
            let error = listed("agents", &json!({"known": [item]}))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with(expected) && !error.contains("s3cr3t"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_never_connects_is_told_by_the_check() {
        let server =
            |name: &str, token: &str| json!({"name": name, "url": "http://a/mcp", "auth_token": token});
        let found = |known: Value| -> Vec<String> {
            let settings = json!({"known": known});
            let problems = Fixed.check("agents", &settings);
            problems.iter().map(ToString::to_string).collect()
        };
        // Tests have it.
        assert_eq!(found(json!([server("a", "${CARGO_PKG_NAME}")])), [""; 0]);
        assert_eq!(
            found(json!([
                server("a", "${PATH}"),
                server("b", "${NOT_SET_ANYWHERE}")
            ])),
            ["agents.known[1].auth_token: the environment variable NOT_SET_ANYWHERE is not set"]
        );
        assert_eq!(
            found(json!([server("a", ""), server("b", ""), server("a", "")])),
            ["agents.known[2]: name: is that of known[0], too; give each a name of its own"]
        );
    }
}
