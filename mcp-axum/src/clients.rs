//! What each MCP client wants to be told of an instance, in its own spelling: for the command line, the demo and the admin API.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::fmt::Write;

/// What stands for itself in a path (RFC 3986, section 2.3) is left to be read.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An instance as clients are told of it.
pub(crate) struct ServerEntry {
    /// What clients call it.
    pub(crate) name: String,
    pub(crate) url: String,
    /// Opens the instance, and never `/admin`.
    pub(crate) key: String,
}

impl ServerEntry {
    /// The instance of the gateway that clients reach at this URL.
    pub(crate) fn of(gateway: &str, instance: &str, key: &str) -> Self {
        Self {
            name: instance.to_owned(),
            url: format!(
                "{}/mcp/{}",
                gateway.trim_end_matches('/'),
                utf8_percent_encode(instance, SEGMENT)
            ),
            key: key.to_owned(),
        }
    }

    /// A block for each client, each line after `indent`.
    pub(crate) fn blocks(&self, indent: &str) -> String {
        let mut out = String::new();
        for (client, place, text) in self.by_client() {
            let _ = writeln!(out, "{indent}{client} ({place}):\n");
            for line in text.lines() {
                let _ = writeln!(out, "{indent}  {line}");
            }
            out.push('\n');
        }
        out
    }

    /// Client, place, text. Formats as their makers document them in November 2026.
    pub(crate) fn by_client(&self) -> [(&'static str, &'static str, String); 8] {
        let Self { name, url, key } = self;
        let bearer = format!("Bearer {key}");
        let headers = json!({"Authorization": bearer});
        // It starts programs only; this one speaks HTTP for it. Blanks in arguments are lost on some systems.
        let mut bridge = vec!["-y", "mcp-remote", url, "--transport", "http-only"];
        if url.starts_with("http://") {
            bridge.push("--allow-http");
        }
        bridge.extend(["--header", "Authorization:${AUTHORIZATION}"]);
        let desktop = json!({"command": "npx", "args": bridge, "env": {"AUTHORIZATION": bearer}});
        let named = |list: &str, server: Value| pretty(&json!({list: {name: server}}));
        let text = |text: &str| Value::from(text).to_string();
        [
            (
                "Claude Code",
                "a shell",
                format!(
                    "claude mcp add --transport http {} {} --header {}",
                    word(name),
                    word(url),
                    word(&format!("Authorization: {bearer}"))
                ),
            ),
            (
                "Claude Desktop",
                "claude_desktop_config.json; needs Node.js",
                named("mcpServers", desktop),
            ),
            (
                "VS Code",
                ".vscode/mcp.json",
                named("servers", json!({"type": "http", "url": url, "headers": headers})),
            ),
            (
                "Cursor",
                "~/.cursor/mcp.json",
                named("mcpServers", json!({"url": url, "headers": headers})),
            ),
            (
                "Windsurf",
                "~/.codeium/windsurf/mcp_config.json",
                named("mcpServers", json!({"serverUrl": url, "headers": headers})),
            ),
            (
                "Gemini CLI",
                "~/.gemini/settings.json",
                named("mcpServers", json!({"httpUrl": url, "headers": headers})),
            ),
            (
                "Zed",
                "settings.json",
                named("context_servers", json!({"url": url, "headers": headers})),
            ),
            (
                "Codex",
                "~/.codex/config.toml",
                format!(
                    "[mcp_servers.{}]\nurl = {}\nhttp_headers = {{ Authorization = {} }}",
                    text(name),
                    text(url),
                    text(&bearer)
                ),
            ),
        ]
    }
}

/// One word of a shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_core::authoring::mcp_servers;

    /// The URL that a client's file of servers is read as, or the address of the program's argument.
    fn read(text: &str) -> String {
        let made = mcp_servers::read(text, "DYNMCP_SECRET_").unwrap();
        made.upstreams[0].1.as_json().to_owned()
    }

    #[test]
    fn a_shell_takes_each_word_for_what_it_is() {
        for (text, quoted) in [
            ("desk", "desk"),
            (
                "http://127.0.0.1:8080/mcp/team%20a",
                "http://127.0.0.1:8080/mcp/team%20a",
            ),
            ("team a", "'team a'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }

    #[test]
    fn what_clients_are_told_is_what_their_files_are_read_as() {
        let server = ServerEntry {
            name: "desk".to_owned(),
            url: "http://127.0.0.1:8080/mcp/desk".to_owned(),
            key: "a-key-of-a-client".to_owned(),
        };
        for (client, _, text) in server.by_client() {
            assert!(text.contains("a-key-of-a-client"), "{client}: {text}");
            if !text.starts_with('{') {
                continue;
            }
            let read = read(&text);
            assert!(read.contains(&server.url), "{client}: {read}");
        }
        let codex = server
            .by_client()
            .into_iter()
            .find(|(client, ..)| *client == "Codex");
        let codex: toml::Table = codex.unwrap().2.parse().unwrap();
        assert_eq!(
            codex["mcp_servers"]["desk"]["url"].as_str(),
            Some(server.url.as_str())
        );
    }
}
