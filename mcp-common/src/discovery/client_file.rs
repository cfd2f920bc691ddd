//! Files in which MCP clients keep their servers (`mcpServers`, `servers`), read as upstreams. What is a secret in them does
//! not become a part of a document: the document refers to a variable, and whoever imports it is told to set that.

use crate::{
    credential_name::may_be_credential, definition::UpstreamDefinition, document::Document, key::Key,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The members of such files that hold servers.
const LISTS: [&str; 3] = ["mcpServers", "servers", "context_servers"];
/// The longest id of an upstream.
const LONGEST_ID: usize = 32;

/// What a file came to.
#[derive(Debug, Default)]
pub struct McpServers {
    /// Upstreams, ready to be stored.
    pub upstreams: Vec<(Key, Document)>,
    /// What somebody has to do, or should look at.
    pub notes: Vec<String>,
    /// Servers that cannot be upstreams: the ids that they would have, and why.
    pub left_out: Vec<(String, String)>,
}

/// Why nothing can be made of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMcpServers {
    /// The text is not JSON.
    #[error("is no JSON: {0}")]
    Json(String),
    /// The file is of another kind.
    #[error("has no servers: neither `mcpServers` nor `servers`")]
    None,
}

#[derive(Deserialize)]
struct Server {
    command: Option<String>,
    #[serde(default)]
    args: Vec<Value>,
    #[serde(default)]
    env: Map<String, Value>,
    cwd: Option<String>,
    #[serde(alias = "serverUrl", alias = "httpUrl")]
    url: Option<String>,
    #[serde(rename = "type", alias = "transport")]
    kind: Option<String>,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    disabled: bool,
}

/// Reads one file. `prefix` begins the names of variables for secrets.
pub fn read(text: &str, prefix: &str) -> Result<McpServers, NoMcpServers> {
    let file: Value = serde_json::from_str(text).map_err(|error| NoMcpServers::Json(error.to_string()))?;
    read_value(&file, prefix)
}

/// The same of a file that is parsed.
pub fn read_value(file: &Value, prefix: &str) -> Result<McpServers, NoMcpServers> {
    let lists = [file, &file["mcp"]];
    let servers = lists
        .into_iter()
        .flat_map(|place| LISTS.iter().filter_map(|list| place[*list].as_object()))
        .next()
        .ok_or(NoMcpServers::None)?;
    let mut made = McpServers::default();
    let mut ids = BTreeSet::new();
    for (name, server) in servers {
        let Some(id) = free_id(name, &ids) else {
            made.notes.push(format!(
                "{name}: nothing of the name can be an id, it is left out"
            ));
            continue;
        };
        ids.insert(id.clone());
        let read = Server::deserialize(server).map_err(|error| error.to_string());
        let document = read.and_then(|server| document(&id, name, &server, prefix, &mut made.notes));
        match document {
            Ok(document) => made.upstreams.push((Key::upstream(id), document)),
            Err(reason) => made.left_out.push((id, reason)),
        }
    }
    Ok(made)
}

/// The id that a name becomes where nothing else has one; `None` where nothing of it can be an id.
pub fn id_of(name: &str) -> Option<String> {
    free_id(name, &BTreeSet::new())
}

/// The name in lower case, with `-` for everything that an id does not have.
pub(super) fn free_id(name: &str, taken: &BTreeSet<String>) -> Option<String> {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let mut id = words.join("-");
    id.truncate(LONGEST_ID - 3);
    if id.is_empty() {
        return None;
    }
    let numbered = |number: u32| format!("{}-{number}", id.trim_end_matches('-'));
    let candidates = std::iter::once(id.trim_end_matches('-').to_owned()).chain((2..=99).map(numbered));
    candidates
        .into_iter()
        .find(|candidate| !taken.contains(candidate))
}

fn document(
    id: &str,
    name: &str,
    server: &Server,
    prefix: &str,
    notes: &mut Vec<String>,
) -> Result<Document, String> {
    let mut made = json!({"id": id, "name": name});
    match (&server.url, &server.command) {
        (Some(url), _) => {
            match server.kind.as_deref() {
                // What clients call HTTP is either of the two.
                None | Some("http" | "streamable-http" | "streamable_http" | "streamableHttp") => {}
                Some("sse") => made["transport"] = "sse".into(),
                Some("ws" | "websocket") => made["transport"] = "websocket".into(),
                Some(other) => {
                    return Err(format!(
                        "`{other}` is a transport that is not spoken; streamable HTTP, HTTP+SSE, WebSocket and stdio are"
                    ));
                }
            }
            made["url"] = url.clone().into();
            let headers = values(id, name, &server.headers, prefix, notes);
            match bearer(&headers, server) {
                Some(credential) => made["auth"] = json!({"type": "bearer", "credential": credential}),
                None if !headers.is_empty() => made["headers"] = headers.into(),
                None => {}
            }
        }
        (None, Some(command)) => {
            made["command"] = command.clone().into();
            let args = server.args.iter().map(|argument| match argument {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            let args: Vec<String> = args.collect();
            if !args.is_empty() {
                made["args"] = args.into();
            }
            let env = values(id, name, &server.env, prefix, notes);
            if !env.is_empty() {
                made["env"] = env.into();
            }
            if let Some(cwd) = &server.cwd {
                made["cwd"] = cwd.clone().into();
            }
        }
        (None, None) => return Err("it has neither `url` nor `command`".to_owned()),
    }
    if server.disabled {
        made["enabled"] = false.into();
    }
    let document = Document::parse(made.to_string().as_bytes()).map_err(|problem| problem.to_string())?;
    UpstreamDefinition::read(id, &document).map_err(|problems| problems.to_string())?;
    Ok(document)
}

/// The only header where it is a bearer token: what it refers to is then the token alone.
fn bearer(headers: &Map<String, Value>, server: &Server) -> Option<String> {
    let (name, written) = server
        .headers
        .iter()
        .next()
        .filter(|_| server.headers.len() == 1)?;
    let is_bearer = name.eq_ignore_ascii_case("authorization")
        && written.as_str()?.get(..7)?.eq_ignore_ascii_case("bearer ");
    is_bearer
        .then(|| headers.get(name)?.as_str().map(str::to_owned))
        .flatten()
}

/// Values as they are, and references for those that may be secrets or that the client asks for.
fn values(
    id: &str,
    server: &str,
    given: &Map<String, Value>,
    prefix: &str,
    notes: &mut Vec<String>,
) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, value) in given {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let is_asked_for = text.contains("${");
        if !is_asked_for && !may_be_credential(name) {
            out.insert(name.clone(), text.into());
            continue;
        }
        let variable = variable(prefix, id, name);
        let what = if is_asked_for {
            "what the client asks for"
        } else {
            "its value in the file"
        };
        notes.push(format!(
            "{server}: `{name}` may be a secret, so it is not copied: set the gateway's environment variable {variable} to {what}"
        ));
        out.insert(name.clone(), format!("${{env:{variable}}}").into());
    }
    out
}

fn variable(prefix: &str, id: &str, name: &str) -> String {
    let plain = |text: &str| -> String {
        let upper = text.to_uppercase();
        upper
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect()
    };
    format!("{prefix}{}_{}", plain(id), plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_become_upstreams_and_secrets_become_references() {
        let file = json!({"mcpServers": {
            "My Time!": {"command": "uvx", "args": ["mcp-server-time", 7], "env": {"TZ": "UTC", "API_KEY": "s3cr3t"}},
            "docs": {"type": "http", "url": "https://docs.example/mcp", "headers": {"Authorization": "Bearer s3cr3t"}},
            "Docs": {"url": "https://docs.example/mcp", "headers": {"X-Team": "a", "X-Token": "${input:token}"}},
            "off": {"command": "x", "disabled": true},
            "old": {"type": "sse", "url": "https://docs.example/sse"},
            "live": {"type": "ws", "url": "wss://docs.example/ws"},
            "odd": {"type": "carrier-pigeon", "url": "https://docs.example/sse"},
            "none": {}, "--": {"command": "x"},
        }});
        let made = read(&file.to_string(), "P_").unwrap();
        let documents: Vec<Value> = made
            .upstreams
            .iter()
            .map(|(_, document)| serde_json::from_str(document.as_json()).unwrap())
            .collect();
        assert_eq!(
            documents,
            [
                json!({"id": "my-time", "name": "My Time!", "command": "uvx", "args": ["mcp-server-time", "7"],
                "env": {"TZ": "UTC", "API_KEY": "${env:P_MY_TIME_API_KEY}"}}),
                json!({"id": "docs", "name": "docs", "url": "https://docs.example/mcp",
                "auth": {"type": "bearer", "credential": "${env:P_DOCS_AUTHORIZATION}"}}),
                json!({"id": "docs-2", "name": "Docs", "url": "https://docs.example/mcp",
                "headers": {"X-Team": "a", "X-Token": "${env:P_DOCS_2_X_TOKEN}"}}),
                json!({"id": "off", "name": "off", "command": "x", "enabled": false}),
                json!({"id": "old", "name": "old", "transport": "sse", "url": "https://docs.example/sse"}),
                json!({"id": "live", "name": "live", "transport": "websocket", "url": "wss://docs.example/ws"}),
            ]
        );
        let [(odd, why), (none, _)] = made.left_out.as_slice() else {
            panic!("{:?}", made.left_out);
        };
        assert_eq!((&**odd, &**none), ("odd", "none"));
        assert!(why.starts_with("`carrier-pigeon`"), "{why}");
        let notes = made.notes.join("\n");
        assert!(!notes.contains("s3cr3t"), "{notes}");
        assert!(!notes.contains("odd"), "what is left out is told once: {notes}");
        for expected in ["P_MY_TIME_API_KEY", "P_DOCS_2_X_TOKEN", "--: nothing"] {
            assert!(notes.contains(expected), "{expected}: {notes}");
        }
    }

    #[test]
    fn other_files_are_none() {
        assert_eq!(read("{}", "").unwrap_err(), NoMcpServers::None);
        assert!(matches!(read("x", ""), Err(NoMcpServers::Json(_))));
        assert_eq!(
            read(r#"{"servers":{"a":{"command":"x"}}}"#, "")
                .unwrap()
                .upstreams
                .len(),
            1
        );
    }
}
