//! What each MCP client wants to be told of an instance, in its own spelling: for the command line, the demo, the admin API, and for what
//! is merged into a client's own file.

mod client;
mod folders;
mod merge;

pub(crate) use client::{Client, Format};
pub(crate) use folders::Folders;
pub(crate) use merge::{existing, merge, target};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
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
    gateway: String,
    instance: String,
    /// Opens the instance, and never `/admin`.
    key: String,
    /// This program, where it is known to be on the client's machine: it carries messages for clients that start programs only.
    program: Option<String>,
}

impl ServerEntry {
    /// The instance of the gateway that clients reach at this URL.
    pub(crate) fn of(gateway: &str, instance: &str, key: &str) -> Self {
        Self {
            name: instance.to_owned(),
            gateway: gateway.trim_end_matches('/').to_owned(),
            instance: instance.to_owned(),
            key: key.to_owned(),
            program: None,
        }
    }

    /// The same under another name.
    #[must_use]
    pub(crate) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same for clients on the machine where this program is.
    #[must_use]
    pub(crate) fn with_program(mut self, program: Option<String>) -> Self {
        self.program = program;
        self
    }

    /// The MCP endpoint.
    pub(crate) fn url(&self) -> String {
        let instance = utf8_percent_encode(&self.instance, SEGMENT);
        format!("{}/mcp/{instance}", self.gateway)
    }

    /// A block for each of these clients, each line after `indent`.
    pub(crate) fn blocks(&self, clients: &[Client], indent: &str) -> String {
        let mut out = String::new();
        for client in clients {
            let (name, place) = (client.name(), client.place(self.program.is_some()));
            let _ = writeln!(out, "{indent}{name} ({place}):\n");
            for line in client.text(self).lines() {
                let _ = writeln!(out, "{indent}  {line}");
            }
            out.push('\n');
        }
        out
    }

    /// Client, place, text.
    pub(crate) fn by_client(&self) -> impl Iterator<Item = (&'static str, &'static str, String)> {
        Client::ALL.iter().map(|client| {
            let place = client.place(self.program.is_some());
            (client.name(), place, client.text(self))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_core::authoring::mcp_servers;
    use serde_json::Value;

    fn desk() -> ServerEntry {
        ServerEntry::of("http://127.0.0.1:8080", "desk", "a-key-of-a-client")
    }

    /// The URL that a client's file of servers is read as, or the address of the program's argument.
    fn read(text: &str) -> String {
        let made = mcp_servers::read(text, "DYNMCP_SECRET_").unwrap();
        made.upstreams[0].1.as_json().to_owned()
    }

    #[test]
    fn what_clients_are_told_is_what_their_files_are_read_as() {
        let server = desk();
        for &client in Client::ALL {
            let (name, text) = (client.name(), client.text(&server));
            assert!(text.contains("a-key-of-a-client"), "{name}: {text}");
            // One of them has a list within a list, which the import does not know.
            if text.starts_with('{') && client != Client::Opencode {
                let read = read(&text);
                assert!(read.contains(&server.url()), "{name}: {read}");
            }
        }
    }

    #[test]
    fn what_is_shown_of_a_client_is_what_is_merged_into_its_file() {
        let server = desk();
        for &client in Client::ALL.iter().filter(|client| **client != Client::ClaudeCode) {
            let entry = client.entry(&server);
            let merged = merge(client, "", &server.name, &entry).unwrap();
            let shown = client.text(&server);
            let read = |text: &str| existing(client, text, "desk").unwrap();
            assert_eq!(read(&merged), Some(entry), "{}: {merged}", client.name());
            assert_eq!(read(&shown), read(&merged), "{}: {shown}", client.name());
        }
    }

    #[test]
    fn programs_are_started_for_clients_that_speak_no_http() {
        let here = desk().with_program(Some("/usr/bin/dynmcp".to_owned()));
        let entry = Client::ClaudeDesktop.entry(&here);
        assert_eq!(entry["command"], "/usr/bin/dynmcp");
        assert_eq!(
            entry["args"],
            serde_json::json!(["stdio", "desk", "--server", "http://127.0.0.1:8080"])
        );
        assert_eq!(entry["env"]["DYNMCP_KEY"], "a-key-of-a-client");
        let elsewhere: Value = Client::ClaudeDesktop.entry(&desk());
        assert_eq!(elsewhere["command"], "npx");
    }
}
