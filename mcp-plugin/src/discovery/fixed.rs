//! `static`: servers that the configuration itself lists.

use async_trait::async_trait;
use mcp_common::{
    discovery::{Discovery, Habits, Look, NotSeen, Set, Surroundings, read},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use serde_json::{Value, json};
use std::time::Duration;

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
        listed(place, settings).err().into_iter().collect()
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

/// An entry that is wrong is a wrong setting: nobody else wrote it.
fn listed(place: &str, settings: &Settings) -> Result<Set, PluginError> {
    // `[[agents.known]]` is such a table, too.
    let table = Table::new(place, settings, &["servers", "known"])?;
    let name = if table.get("known").is_some() {
        "known"
    } else {
        "servers"
    };
    let Some(Value::Array(items)) = table.get(name) else {
        return Err(table.wrong(name, "is missing: a list of tables with `name` and `url`"));
    };
    let wrong = |index: usize, reason: String| PluginError::Setting {
        key: format!("{place}.{name}[{index}]"),
        reason,
    };
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
}
