//! What every source has in its table of the configuration, whatever its type.

use crate::{
    definition::upstream::of_strangers,
    plugin::{PluginError, Table},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// The settings that are the gateway's own; the others are its type's.
const OWN: [&str; 10] = [
    "type",
    "name",
    "interval",
    "tags",
    "tools_prefix",
    "tools_group",
    "trust",
    "allow_empty",
    "max_servers",
    "max_bytes",
];
const DAY: u64 = 86_400;

/// What holds for a type where the table says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// The time between two looks.
    pub interval: Duration,
    /// Whether what is found may start programs and refer to secrets.
    pub is_trusted: bool,
    /// Whether it is usual that nothing is there any more.
    pub may_be_empty: bool,
}

/// One `[[discovery]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    /// The type: the name of a plugin.
    pub kind: String,
    /// What its finds are known to come from.
    pub name: Arc<str>,
    /// The time between two looks.
    pub interval: Duration,
    /// Tags that everything has that it finds.
    pub tags: Vec<Arc<str>>,
    /// `tools.prefix` of what says none itself.
    pub tools_prefix: Option<String>,
    /// `tools.group` of everything that it finds.
    pub tools_group: Option<String>,
    /// Whether what is found may start programs and refer to secrets.
    pub trust: bool,
    /// Whether everything goes when nothing is found any more.
    pub allow_empty: bool,
    /// The most upstreams; a set with more is refused.
    pub max_servers: usize,
    /// The most bytes of a document.
    pub max_bytes: usize,
}

impl SourceSettings {
    /// The type that a table names.
    pub fn kind<'a>(place: &str, table: &'a Value) -> Result<&'a str, PluginError> {
        match table.get("type").and_then(Value::as_str) {
            Some(kind) if !kind.is_empty() => Ok(kind),
            _ => Err(PluginError::Setting {
                key: format!("{place}.type"),
                reason: "is missing: what kind of discovery it is, such as \"file_watch\"".to_owned(),
            }),
        }
    }

    /// What of a table its type has to know.
    pub fn of_type(table: &Value) -> Value {
        part(table, |name| !OWN.contains(&name))
    }

    /// Reads the gateway's own part.
    pub fn read(place: &str, table: &Value, habits: Habits) -> Result<Self, PluginError> {
        let kind = Self::kind(place, table)?.to_owned();
        let own = part(table, |name| OWN.contains(&name));
        let own = Table::new(place, &own, &OWN)?;
        let flag = |name: &str, usual: bool| match own.get(name) {
            None => Ok(usual),
            Some(_) => own.flag(name),
        };
        let prefix = own.text("tools_prefix")?;
        if let Some(prefix) = prefix {
            let checked = crate::definition::name::check_tool_name("", prefix);
            checked.map_err(|problem| own.wrong("tools_prefix", problem.reason))?;
        }
        let trust = flag("trust", habits.is_trusted)?;
        let given = table.get("upstream").filter(|_| !trust);
        if let Some(secret) = given.and_then(of_strangers) {
            return Err(PluginError::Setting {
                key: format!("{place}.upstream"),
                reason: format!(
                    "has {secret}, which would go to whoever announces themselves; only a discovery with `trust = true` may have one"
                ),
            });
        }
        Ok(Self {
            name: own.text("name")?.unwrap_or(&kind).into(),
            interval: Duration::from_secs(own.number("interval", 1..=DAY, habits.interval.as_secs())?),
            tags: own.words("tags")?,
            tools_prefix: prefix.map(str::to_owned),
            tools_group: own.text("tools_group")?.map(str::to_owned),
            trust,
            allow_empty: flag("allow_empty", habits.may_be_empty)?,
            max_servers: own.number("max_servers", 1..=100_000, 1_000)?,
            max_bytes: own.number("max_bytes", 1..=256 << 20, 4 << 20)?,
            kind,
        })
    }
}

fn part(table: &Value, is_wanted: impl Fn(&str) -> bool) -> Value {
    match table {
        Value::Object(members) => {
            let wanted = members.iter().filter(|(name, _)| is_wanted(name));
            Value::Object(
                wanted
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            )
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HABITS: Habits = Habits {
        interval: Duration::from_secs(5),
        is_trusted: true,
        may_be_empty: false,
    };

    #[test]
    fn what_is_not_said_is_the_types() {
        let table = json!({"type": "file_watch", "file_path": "x"});
        let read = SourceSettings::read("discovery[0]", &table, HABITS).unwrap();
        assert_eq!(
            (&*read.name, read.interval, read.trust, read.allow_empty),
            ("file_watch", HABITS.interval, true, false)
        );
        assert_eq!(SourceSettings::of_type(&table), json!({"file_path": "x"}));
        let table = json!({"type": "x", "name": "n", "interval": "7", "tags": ["a"], "trust": false, "allow_empty": true});
        let read = SourceSettings::read("discovery[0]", &table, HABITS).unwrap();
        assert_eq!(
            (&*read.name, read.interval.as_secs(), read.trust, read.allow_empty),
            ("n", 7, false, true)
        );
        assert_eq!(read.tags, [Arc::<str>::from("a")]);
    }

    #[test]
    fn secrets_go_to_nobody_who_only_announces_themselves() {
        let strange = Habits {
            is_trusted: false,
            ..HABITS
        };
        for (upstream, is_fine) in [
            (json!({"headers": {"X-Api-Key": "0f8e7d6c5b4a39281706"}}), false),
            (json!({"headers": {"X-Api-Key": "${env:DYNMCP_SECRET_A}"}}), false),
            (
                json!({"auth": {"type": "bearer", "credential": "${env:DYNMCP_SECRET_A}"}}),
                false,
            ),
            (
                json!({"headers": {"X-Team": "support"}, "balance": {"algorithm": "random"}}),
                true,
            ),
            // Its type says what is wrong with it.
            (json!({"headers": 3}), true),
        ] {
            let mut table = json!({"type": "x", "upstream": upstream});
            let read = SourceSettings::read("discovery[1]", &table, strange);
            assert_eq!(read.is_ok(), is_fine, "{table}: {read:?}");
            if let Err(error) = read {
                let error = error.to_string();
                assert!(
                    error.starts_with("discovery[1].upstream: has a ") && !error.contains("0f8e"),
                    "{error}"
                );
            }
            table["trust"] = true.into();
            assert!(SourceSettings::read("discovery[1]", &table, strange).is_ok());
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (table, expected) in [
            (json!({}), "discovery[2].type: is missing"),
            (
                json!({"type": "x", "interval": 0}),
                "discovery[2].interval: expected a whole number",
            ),
            (
                json!({"type": "x", "tags": "a"}),
                "discovery[2].tags: expected a list of texts",
            ),
            (
                json!({"type": "x", "tools_prefix": "a b"}),
                "discovery[2].tools_prefix: has the character ' '",
            ),
            (
                json!({"type": "x", "max_bytes": -1}),
                "discovery[2].max_bytes: expected a whole number",
            ),
        ] {
            let error = SourceSettings::read("discovery[2]", &table, HABITS)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
