//! The clients, and the spelling of each of them, as their makers document it. Most pages were read as others had kept or quoted them, with the month
//! that these bore; Claude Code and Codex were seen to read what is written:
//!
//! | client | documentation | read |
//! |---|---|---|
//! | Claude Code | code.claude.com/docs/en/mcp | 2026-11 |
//! | Claude Desktop | modelcontextprotocol.io/docs/develop/connect-local-servers | 2026-11 |
//! | VS Code | code.visualstudio.com/docs/agents/reference/mcp-configuration | 2026-11-25 |
//! | Cursor | cursor.com/docs/mcp | 2026-10-22 |
//! | Windsurf | docs.windsurf.com/windsurf/cascade/mcp | 2026-10-29 |
//! | Gemini CLI | geminicli.com/docs/tools/mcp-server | 2026-11 |
//! | Zed | zed.dev/docs/ai/mcp | 2026-11 |
//! | Codex | developers.openai.com/codex/mcp | 2026-11 |
//! | GitHub Copilot CLI, and VS Code's agent | docs.github.com/copilot/how-tos/copilot-cli/customize-copilot/add-mcp-servers | 2026-11 |
//! | opencode (version 2) | opencode.ai/docs/mcp-servers | 2026-11 |
//! | Antigravity | antigravity.google/docs/mcp | 2026-11 |
//! | Cline | docs.cline.bot/mcp/mcp-overview | 2026-11 |
//! | Kiro | kiro.dev/docs/mcp/configuration | 2026-11 |
//! | LM Studio | lmstudio.ai/docs/app/mcp | 2026-11 |

use super::{ServerEntry, merge::toml_text};
use clap::ValueEnum;
use serde_json::{Value, json};

/// An MCP client whose files are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Vscode,
    Cursor,
    Windsurf,
    #[value(alias = "gemini-cli")]
    Gemini,
    Zed,
    Codex,
    #[value(alias = "copilot-cli")]
    Copilot,
    Opencode,
    Antigravity,
    Cline,
    Kiro,
    LmStudio,
}

/// How a client's file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON, with comments where its owner writes some.
    Json,
    Toml,
}

impl Client {
    /// All of them, those first that most people use.
    pub(crate) const ALL: &'static [Self] = &[
        Self::ClaudeCode,
        Self::ClaudeDesktop,
        Self::Vscode,
        Self::Cursor,
        Self::Windsurf,
        Self::Gemini,
        Self::Zed,
        Self::Codex,
        Self::Copilot,
        Self::Opencode,
        Self::Antigravity,
        Self::Cline,
        Self::Kiro,
        Self::LmStudio,
    ];

    /// The name that people know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Vscode => "VS Code",
            Self::Cursor => "Cursor",
            Self::Windsurf => "Windsurf",
            Self::Gemini => "Gemini CLI",
            Self::Zed => "Zed",
            Self::Codex => "Codex",
            Self::Copilot => "GitHub Copilot CLI",
            Self::Opencode => "opencode",
            Self::Antigravity => "Antigravity",
            Self::Cline => "Cline",
            Self::Kiro => "Kiro",
            Self::LmStudio => "LM Studio",
        }
    }

    /// The word for it on the command line.
    pub(crate) fn word(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Where its text belongs, for people. Without a program of ours it takes one of Node.js.
    pub(super) fn place(self, has_program: bool) -> &'static str {
        match self {
            Self::ClaudeCode => "a shell",
            Self::ClaudeDesktop if has_program => "claude_desktop_config.json",
            Self::ClaudeDesktop => "claude_desktop_config.json; needs Node.js",
            Self::Vscode => ".vscode/mcp.json",
            Self::Cursor => "~/.cursor/mcp.json",
            Self::Windsurf => "~/.codeium/windsurf/mcp_config.json",
            Self::Gemini => "~/.gemini/settings.json",
            Self::Zed => "settings.json",
            Self::Codex => "~/.codex/config.toml",
            Self::Copilot => "~/.copilot/mcp-config.json",
            Self::Opencode => "~/.config/opencode/opencode.json",
            Self::Antigravity => "~/.gemini/config/mcp_config.json",
            Self::Cline => "~/.cline/data/settings/cline_mcp_settings.json",
            Self::Kiro => "~/.kiro/settings/mcp.json",
            Self::LmStudio => "~/.lmstudio/mcp.json",
        }
    }

    /// How its file is written.
    pub(crate) fn format(self) -> Format {
        match self {
            Self::Codex => Format::Toml,
            _ => Format::Json,
        }
    }

    /// The members of its file, from the outside to the inside, in which servers stand by name.
    pub(super) fn path(self) -> &'static [&'static str] {
        match self {
            Self::Vscode => &["servers"],
            Self::Zed => &["context_servers"],
            Self::Codex => &["mcp_servers"],
            Self::Opencode => &["mcp", "servers"],
            _ => &["mcpServers"],
        }
    }

    /// What stands there under the server's name.
    pub(crate) fn entry(self, server: &ServerEntry) -> Value {
        let url = server.url();
        let bearer = format!("Bearer {}", server.key);
        let headers = json!({"Authorization": bearer});
        match self {
            Self::ClaudeDesktop => program(server, &url, &bearer),
            Self::ClaudeCode | Self::Vscode => json!({"type": "http", "url": url, "headers": headers}),
            Self::Cursor | Self::Zed | Self::Kiro | Self::LmStudio => json!({"url": url, "headers": headers}),
            Self::Windsurf | Self::Antigravity => json!({"serverUrl": url, "headers": headers}),
            Self::Gemini => json!({"httpUrl": url, "headers": headers}),
            Self::Codex => json!({"url": url, "http_headers": headers}),
            Self::Copilot => json!({"type": "http", "url": url, "headers": headers, "tools": ["*"]}),
            Self::Opencode => json!({"type": "remote", "url": url, "headers": headers}),
            // Without the type it takes the transport of 2024-11-05.
            Self::Cline => json!({"type": "streamableHttp", "url": url, "headers": headers}),
        }
    }

    /// What people paste.
    pub(crate) fn text(self, server: &ServerEntry) -> String {
        if self == Self::ClaudeCode {
            return format!(
                "claude mcp add --transport http {} {} --header {}",
                word(&server.name),
                word(&server.url()),
                word(&format!("Authorization: Bearer {}", server.key))
            );
        }
        let whole = self.path().iter().rev().fold(
            json!({server.name.as_str(): self.entry(server)}),
            |inner, member| json!({*member: inner}),
        );
        match self.format() {
            Format::Json => serde_json::to_string_pretty(&whole).unwrap_or_default(),
            Format::Toml => toml_text(self, &server.name, &self.entry(server)),
        }
    }
}

/// For a client that starts programs only: one that speaks HTTP for it.
fn program(server: &ServerEntry, url: &str, bearer: &str) -> Value {
    if let Some(program) = &server.program {
        return json!({
            "command": program,
            "args": ["stdio", server.instance, "--server", server.gateway],
            "env": {"DYNMCP_KEY": server.key},
        });
    }
    let mut bridge = vec!["-y", "mcp-remote", url, "--transport", "http-only"];
    if url.starts_with("http://") {
        bridge.push("--allow-http");
    }
    // Blanks in arguments are lost on some systems.
    bridge.extend(["--header", "Authorization:${AUTHORIZATION}"]);
    json!({"command": "npx", "args": bridge, "env": {"AUTHORIZATION": bearer}})
}

/// One word of a shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn every_client_has_a_word_and_is_among_all() {
        assert_eq!(Client::value_variants(), Client::ALL);
        assert_eq!(Client::ClaudeDesktop.word(), "claude-desktop");
        assert_eq!(Client::LmStudio.word(), "lm-studio");
    }
}
