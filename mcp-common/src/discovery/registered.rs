//! A server as registries write it: in files of servers, and where servers announce themselves.

use crate::definition::upstream::PRIORITY;
use http::Uri;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

/// A server that somebody entered. Members that are not known are passed over: such files say much that no gateway needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// Its name, of which its id is made.
    pub name: String,
    /// The address of its MCP endpoint.
    pub url: String,
    /// What it is good for.
    #[serde(default, deserialize_with = "or_null")]
    pub description: String,
    /// Words by which it is found.
    #[serde(default, deserialize_with = "or_null")]
    pub tags: Vec<String>,
    /// What it can do, in words of its own.
    #[serde(default, deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Who is asked first: the highest.
    #[serde(default, deserialize_with = "or_null")]
    pub priority: i64,
    /// `false`: it is connected to when somebody asks for it.
    #[serde(default = "yes")]
    pub auto_connect: bool,
    /// What is asked to know how it is.
    #[serde(default)]
    pub health_check_url: Option<String>,
    /// What else is to be known of it.
    #[serde(default, deserialize_with = "or_null")]
    pub metadata: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// Many write null for what they do not say.
fn or_null<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

impl Registration {
    /// The upstream's document under this id, and what of it cannot be meant so.
    pub fn document(&self, id: &str) -> (Value, Option<String>) {
        let mut made = json!({"id": id, "name": self.name, "priority": self.place()});
        if !self.description.is_empty() {
            made["description"] = self.description.clone().into();
        }
        if !self.tags.is_empty() {
            made["tags"] = self.tags.clone().into();
        }
        if !self.auto_connect {
            made["auto_connect"] = false.into();
        }
        if !self.metadata.is_empty() {
            made["metadata"] = self.metadata.clone().into();
        }
        if !self.capabilities.is_empty() {
            made["capabilities"] = self.capabilities.clone().into();
        } else if let Some(Value::Array(words)) = self.metadata.get("capabilities")
            && words.iter().all(Value::is_string)
        {
            made["capabilities"] = words.clone().into();
        }
        match self.health_path() {
            None => made["url"] = self.url.clone().into(),
            Some(Ok(path)) => {
                made["endpoints"] = json!([{"url": self.url}]);
                made["health"] = json!({"enabled": true, "path": path});
            }
            Some(Err(note)) => {
                made["url"] = self.url.clone().into();
                return (made, Some(note));
            }
        }
        (made, None)
    }

    /// Here the highest goes first, in documents the lowest.
    fn place(&self) -> u32 {
        let usual = i64::from(PRIORITY);
        u32::try_from(usual.saturating_sub(self.priority).max(0)).unwrap_or(u32::MAX)
    }

    /// Probes ask the server itself, whatever path of it.
    fn health_path(&self) -> Option<Result<String, String>> {
        let text = self.health_check_url.as_deref().filter(|url| !url.is_empty())?;
        let parsed = |text: &str| text.parse::<Uri>().ok();
        let (own, asked) = (parsed(&self.url), parsed(text));
        let origin = |uri: &Uri| Some((uri.scheme()?.clone(), uri.authority()?.clone()));
        let is_same = own.as_ref().and_then(origin) == asked.as_ref().and_then(origin);
        Some(match asked.filter(|_| is_same) {
            Some(asked) => Ok(asked
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned()),
            None => Err(format!(
                "health_check_url: `{text}` is not asked, since it is not at the address of `url`"
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn becomes_an_upstream() {
        let said = json!({"name": "Weather", "url": "http://a.example:8001/mcp", "tags": ["x"], "priority": 5, "unknown": 1, "description": null,
            "health_check_url": "http://a.example:8001/health?deep=1", "metadata": {"capabilities": ["routing"], "version": "1.0"}});
        let registration: Registration = serde_json::from_value(said).unwrap();
        let (document, note) = registration.document("weather");
        assert_eq!(note, None);
        assert_eq!(
            document,
            json!({"id": "weather", "name": "Weather", "priority": 95, "tags": ["x"],
                "metadata": {"capabilities": ["routing"], "version": "1.0"}, "capabilities": ["routing"],
                "endpoints": [{"url": "http://a.example:8001/mcp"}], "health": {"enabled": true, "path": "/health?deep=1"}})
        );
        let elsewhere = Registration {
            health_check_url: Some("http://b.example/health".to_owned()),
            priority: i64::MAX,
            ..registration.clone()
        };
        let (document, note) = elsewhere.document("weather");
        assert_eq!(
            (&document["url"], &document["priority"]),
            (&json!("http://a.example:8001/mcp"), &json!(0))
        );
        assert!(note.is_some_and(|note| note.contains("b.example")));
        let last = Registration {
            priority: i64::MIN,
            ..registration
        };
        assert_eq!(last.document("weather").0["priority"], json!(u32::MAX));
    }
}
