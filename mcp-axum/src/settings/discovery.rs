//! `[[discovery]]`: where upstreams are found. What a table may have is its type's to say.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// The tables, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiscoveryTables(pub Vec<Value>);

impl<'de> Deserialize<'de> for DiscoveryTables {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let read = match Value::deserialize(input)? {
            Value::Null => Some(Vec::new()),
            Value::Array(tables) => Some(tables),
            // A variable of the environment.
            Value::String(text) if text.trim().is_empty() => Some(Vec::new()),
            Value::String(text) => serde_json::from_str(&text).ok(),
            _ => None,
        };
        let tables = read.filter(|tables| tables.iter().all(Value::is_object));
        let expected = "discovery: expected tables, [[discovery]], or a list of them as JSON";
        tables.map(Self).ok_or_else(|| de::Error::custom(expected))
    }
}

/// `[agents]`: servers that stand in the configuration itself, `[[agents.known]]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct AgentsSettings {
    /// The servers.
    #[serde(default)]
    pub known: DiscoveryTables,
}

impl DiscoveryTables {
    /// Those of a type.
    pub(crate) fn of_type<'a>(&'a self, kind: &str) -> Vec<&'a Value> {
        self.0.iter().filter(|table| table["type"] == kind).collect()
    }

    /// With the servers that the configuration lists, which are a discovery of their own. Each table has its place.
    pub(crate) fn with_agents(&self, agents: &AgentsSettings) -> Vec<(String, Value)> {
        let tables = self.0.iter().enumerate();
        let mut all: Vec<_> = tables
            .map(|(index, table)| (format!("discovery[{index}]"), table.clone()))
            .collect();
        if !agents.known.0.is_empty() {
            let known = serde_json::json!({"type": "static", "name": "agents", "known": agents.known.0});
            all.push(("agents".to_owned(), known));
        }
        all
    }

    /// The environment variables that servers of the configuration have their tokens from: who writes it may name them.
    pub(crate) fn variables(&self, agents: &AgentsSettings) -> Vec<String> {
        let lists = self
            .of_type("static")
            .into_iter()
            .filter_map(|table| table["servers"].as_array());
        let servers = lists.flatten().chain(&agents.known.0);
        let variable = |server: &Value| {
            let token = server["auth_token"].as_str()?;
            let name = token.strip_prefix("${")?.strip_suffix('}')?;
            let name = name.strip_prefix("env:").unwrap_or(name);
            (!name.contains(':')).then(|| name.to_owned())
        };
        servers.filter_map(variable).collect()
    }
}
