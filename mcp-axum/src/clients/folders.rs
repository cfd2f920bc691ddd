//! Where clients keep their files.

use super::Client;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The folders of one person on one system.
#[derive(Debug)]
pub(crate) struct Folders {
    home: PathBuf,
    /// Of programs with windows.
    programs: PathBuf,
    /// Of others.
    config: PathBuf,
    /// Folders that clients are told by variables of their own.
    variables: [(Client, Option<PathBuf>); 2],
}

impl Folders {
    /// Those of whoever runs this; `None` without a home.
    pub(crate) fn of_process() -> Option<Self> {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty())?;
        Some(Self::of(home, std::env::consts::OS, |name| {
            std::env::var_os(name)
        }))
    }

    fn of(home: PathBuf, system: &str, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let config = variable("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        let (programs, config) = match system {
            "macos" => (home.join("Library/Application Support"), config),
            "windows" => {
                let roaming = variable("APPDATA").unwrap_or_else(|| home.join("AppData/Roaming"));
                (roaming.clone(), roaming)
            }
            _ => (config.clone(), config),
        };
        let variables = [
            (Client::Codex, variable("CODEX_HOME")),
            (Client::Copilot, variable("COPILOT_HOME")),
        ];
        Self {
            home,
            programs,
            config,
            variables,
        }
    }

    /// The file for all of this person's projects. Where a client reads one of two, the one that is there.
    pub(crate) fn file(&self, client: Client) -> PathBuf {
        let own = self.variables.iter().find(|(of, _)| *of == client);
        let own = |default: &str| match own {
            Some((_, Some(folder))) => folder.clone(),
            _ => self.home.join(default),
        };
        match client {
            Client::ClaudeCode => self.home.join(".claude.json"),
            Client::ClaudeDesktop => self.programs.join("Claude/claude_desktop_config.json"),
            Client::Vscode => self.programs.join("Code/User/mcp.json"),
            Client::Cursor => self.home.join(".cursor/mcp.json"),
            Client::Windsurf => self.home.join(".codeium/windsurf/mcp_config.json"),
            Client::Gemini => self.home.join(".gemini/settings.json"),
            Client::Zed if cfg!(windows) => self.config.join("Zed/settings.json"),
            Client::Zed => self.config.join("zed/settings.json"),
            Client::Codex => own(".codex").join("config.toml"),
            Client::Copilot => own(".copilot").join("mcp-config.json"),
            Client::Opencode => either(&self.config.join("opencode"), ["opencode.json", "opencode.jsonc"]),
            Client::Antigravity => self.home.join(".gemini/config/mcp_config.json"),
            Client::Cline => self.home.join(".cline/data/settings/cline_mcp_settings.json"),
            Client::Kiro => self.home.join(".kiro/settings/mcp.json"),
            Client::LmStudio => self.home.join(".lmstudio/mcp.json"),
        }
    }

    /// The file for one project, where the client has such files.
    pub(crate) fn project_file(client: Client, project: &Path) -> Option<PathBuf> {
        let file = match client {
            Client::ClaudeCode | Client::Copilot => ".mcp.json",
            Client::Vscode => ".vscode/mcp.json",
            Client::Cursor => ".cursor/mcp.json",
            Client::Gemini => ".gemini/settings.json",
            Client::Codex => ".codex/config.toml",
            Client::Antigravity => ".agents/mcp_config.json",
            Client::Kiro => ".kiro/settings/mcp.json",
            Client::Opencode => return Some(either(project, ["opencode.json", "opencode.jsonc"])),
            Client::ClaudeDesktop | Client::Windsurf | Client::Zed | Client::Cline | Client::LmStudio => {
                return None;
            }
        };
        Some(project.join(file))
    }
}

fn either(folder: &Path, names: [&str; 2]) -> PathBuf {
    let [usual, other] = names.map(|name| folder.join(name));
    match !usual.exists() && other.exists() {
        true => other,
        false => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_folders() {
        let file = |system: &str, client, variables: &[(&str, &str)]| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.into())
            };
            let folders = Folders::of("/home/ann".into(), system, variable);
            folders.file(client).display().to_string()
        };
        let desktop = |system, variables: &[_]| file(system, Client::ClaudeDesktop, variables);
        assert_eq!(
            desktop("linux", &[]),
            "/home/ann/.config/Claude/claude_desktop_config.json"
        );
        assert_eq!(
            desktop("macos", &[]),
            "/home/ann/Library/Application Support/Claude/claude_desktop_config.json"
        );
        assert_eq!(
            desktop("windows", &[("APPDATA", "/roaming")]),
            "/roaming/Claude/claude_desktop_config.json"
        );
        // What is no absolute path is no folder (XDG Base Directory Specification).
        assert_eq!(
            file("linux", Client::Vscode, &[("XDG_CONFIG_HOME", "x")]),
            "/home/ann/.config/Code/User/mcp.json"
        );
        assert_eq!(
            file("linux", Client::Vscode, &[("XDG_CONFIG_HOME", "/x")]),
            "/x/Code/User/mcp.json"
        );
        assert_eq!(
            file("linux", Client::Codex, &[("CODEX_HOME", "/c")]),
            "/c/config.toml"
        );
        assert_eq!(
            file("macos", Client::Cursor, &[("CODEX_HOME", "/c")]),
            "/home/ann/.cursor/mcp.json"
        );
    }
}
