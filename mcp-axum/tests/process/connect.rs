//! `dynmcp connect`: a client's own file, with a key of its own, and everything else as it was.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// Client, file below the home, and where the entry stands in it.
const CLIENTS: [(&str, &str, &str); 14] = [
    ("claude-code", ".claude.json", "/mcpServers/desk"),
    (
        "claude-desktop",
        ".config/Claude/claude_desktop_config.json",
        "/mcpServers/desk",
    ),
    ("vscode", ".config/Code/User/mcp.json", "/servers/desk"),
    ("cursor", ".cursor/mcp.json", "/mcpServers/desk"),
    (
        "windsurf",
        ".codeium/windsurf/mcp_config.json",
        "/mcpServers/desk",
    ),
    ("gemini", ".gemini/settings.json", "/mcpServers/desk"),
    ("zed", ".config/zed/settings.json", "/context_servers/desk"),
    ("codex", ".codex/config.toml", "/mcp_servers/desk"),
    ("copilot", ".copilot/mcp-config.json", "/mcpServers/desk"),
    ("opencode", ".config/opencode/opencode.json", "/mcp/servers/desk"),
    (
        "antigravity",
        ".gemini/config/mcp_config.json",
        "/mcpServers/desk",
    ),
    (
        "cline",
        ".cline/data/settings/cline_mcp_settings.json",
        "/mcpServers/desk",
    ),
    ("kiro", ".kiro/settings/mcp.json", "/mcpServers/desk"),
    ("lm-studio", ".lmstudio/mcp.json", "/mcpServers/desk"),
];

/// Somebody at home, with a gateway on the same machine.
struct Home {
    sandbox: Sandbox,
    gateway: Gateway,
}

impl Home {
    fn open() -> Self {
        let sandbox = Sandbox::new();
        let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
        gateway.put("ids/desk", &json!({"name": "Desk"}));
        let port = gateway.origin.rsplit_once(':').unwrap().1;
        sandbox.write("cli.toml", &format!("[app]\nport = {port}\napi_key = '{KEY}'\n"));
        Self { sandbox, gateway }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.sandbox.path().join("home").join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        self.sandbox.write(&format!("home/{name}"), text)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.env("HOME", self.sandbox.path().join("home"));
        for name in [
            "XDG_CONFIG_HOME",
            "CODEX_HOME",
            "COPILOT_HOME",
            "DYNMCP_KEY",
            "DYNMCP_CLIENT_KEY",
        ] {
            command.env_remove(name);
        }
        command
    }

    fn connect(&self, client: &str, more: &[&str]) -> Output {
        let mut command = self.command(&["connect", "desk", "--client", client, "--config", "cli.toml"]);
        command.args(more).output().unwrap()
    }

    /// Standard output of one that does what it should.
    fn connected(&self, client: &str, more: &[&str]) -> String {
        let output = self.connect(client, more);
        assert!(output.status.success(), "{client}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Standard error of one that does not.
    fn refused(&self, client: &str, more: &[&str]) -> String {
        let output = self.connect(client, more);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{client}: {}",
            text(&output.stdout)
        );
        text(&output.stderr)
    }

    fn keys(&self) -> String {
        let mut command = self.command(&["keys", "list", "--config", "cli.toml"]);
        text(&command.output().unwrap().stdout)
    }

    fn status(&self, path: &str, key: &str) -> u16 {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let call = reqwest::Client::new()
            .post(format!("{}{path}", self.gateway.origin))
            .header("authorization", key)
            .header("content-type", "application/json")
            .body(body);
        request(call).unwrap().0
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn read(file: &PathBuf) -> Value {
    let text = fs::read_to_string(file).unwrap();
    match file.extension().unwrap() == "toml" {
        true => serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap(),
        false => serde_json::from_str(&text).unwrap(),
    }
}

#[test]
fn every_client_gets_an_entry_with_a_key_of_its_own() {
    let home = Home::open();
    let mut seen = Vec::new();
    for (client, file, pointer) in CLIENTS {
        let said = home.connected(client, &["--write"]);
        let path = home.file(file);
        assert!(said.contains(&path.display().to_string()), "{client}: {said}");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{client}: a key is in it");
        let whole = read(&path);
        let entry = whole.pointer(pointer).unwrap();
        let key = match client {
            "claude-desktop" => {
                assert_eq!(
                    entry["args"],
                    json!(["stdio", "desk", "--server", home.gateway.origin])
                );
                format!("Bearer {}", entry["env"]["DYNMCP_KEY"].as_str().unwrap())
            }
            _ => {
                let url = ["url", "httpUrl", "serverUrl"]
                    .iter()
                    .find_map(|member| entry[member].as_str());
                assert_eq!(
                    url,
                    Some(&*format!("{}/mcp/desk", home.gateway.origin)),
                    "{client}"
                );
                let headers = entry.get("headers").or(entry.get("http_headers")).unwrap();
                headers["Authorization"].as_str().unwrap().to_owned()
            }
        };
        assert_eq!(home.status("/mcp/desk", &key), 200, "{client}");
        assert_eq!(
            home.status("/admin/plan", &key),
            403,
            "{client}: it is no admin's"
        );
        assert!(!seen.contains(&key), "{client}: has a key of its own");
        seen.push(key);

        let before = fs::read(&path).unwrap();
        let again = home.connected(client, &["--write"]);
        assert!(
            again.contains("already, nothing was changed"),
            "{client}: {again}"
        );
        assert_eq!(fs::read(&path).unwrap(), before, "{client}");
    }
    assert_eq!(home.keys().lines().count(), CLIENTS.len() + 1, "{}", home.keys());
}

#[test]
fn a_client_that_starts_programs_gets_one_that_answers() {
    let home = Home::open();
    home.connected("claude-desktop", &["--write"]);
    let whole = read(&home.file(".config/Claude/claude_desktop_config.json"));
    let entry = &whole["mcpServers"]["desk"];
    let arguments = entry["args"].as_array().unwrap();
    let mut program = Command::new(entry["command"].as_str().unwrap())
        .args(arguments.iter().map(|argument| argument.as_str().unwrap()))
        .env("DYNMCP_KEY", entry["env"]["DYNMCP_KEY"].as_str().unwrap())
        .current_dir(home.sandbox.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    let mut input = program.stdin.take().unwrap();
    writeln!(input, "{hello}").unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
    drop(input);
    assert!(program.wait().unwrap().success());
}

#[test]
fn what_others_wrote_stays_and_the_undo_that_is_said_undoes_it() {
    let home = Home::open();
    let json = "// mine\n{\n  // why\n  \"theme\": \"dark\",\n  \"mcpServers\": {\n    \"other\": {\"command\": \"x\"}, // keep\n  },\n}\n";
    let toml = "# mine\nmodel = 'x' # why\n\n[mcp_servers.other]\ncommand = 'y'\n";
    for (client, file, before) in [
        ("cursor", ".cursor/mcp.json", json),
        ("gemini", ".gemini/settings.json", json),
        ("codex", ".codex/config.toml", toml),
    ] {
        let path = home.write(file, before);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let said = home.connected(client, &["--write"]);
        assert!(!said.contains("chmod"), "{said}");
        let after = fs::read_to_string(&path).unwrap();
        for line in before.lines() {
            assert!(
                after.lines().any(|kept| kept == line),
                "{client}: {line}\n{after}"
            );
        }
        assert!(after.contains("Bearer mcp_k"), "{client}: {after}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        let backup = path.with_file_name(format!(
            "{}.before-dynmcp-1",
            path.file_name().unwrap().to_str().unwrap()
        ));
        assert_eq!(fs::read_to_string(&backup).unwrap(), before, "{client}");
        assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o640);

        let undo = said.lines().find_map(|line| line.strip_prefix("Undo: ")).unwrap();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_dynmcp"));
        let path_variable = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
        let undone = Command::new("sh")
            .args(["-e", "-c", undo])
            .env("PATH", path_variable)
            .env_remove("RUN_MODE")
            .current_dir(home.sandbox.path())
            .output()
            .unwrap();
        assert!(undone.status.success(), "{undo}: {}", text(&undone.stderr));
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "{client}");
        assert!(!backup.exists());
        assert_eq!(home.keys(), "no keys\n", "{client}");
    }
}

#[test]
fn a_file_that_cannot_be_changed_with_certainty_is_left_alone() {
    let home = Home::open();
    let file = ".cursor/mcp.json";
    let elsewhere = r#"{"mcpServers": {"desk": {"url": "https://other.example/mcp?token=hush"}}}"#;
    for (before, expected) in [
        ("{\"mcpServers\": {\n", "line "),
        ("{\"mcpServers\": []}", "`mcpServers` is no object"),
        ("{\"mcpServers\": {}, \"mcpServers\": {}}", "stands there twice"),
        (
            elsewhere,
            "which leads to https://other.example/mcp; nothing was changed. Take another --name",
        ),
        (
            r#"{"mcpServers": {"desk": {"command": "uvx"}}}"#,
            "which starts uvx",
        ),
    ] {
        let path = home.write(file, before);
        let refused = home.refused("cursor", &["--write"]);
        assert!(
            refused.contains(expected) && refused.contains(file),
            "{before}: {refused}"
        );
        assert!(!refused.contains("hush"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }
    home.write(file, elsewhere);
    home.connected("cursor", &["--write", "--name", "desk2"]);
    home.connected("cursor", &["--write", "--replace"]);
    let servers = read(&home.file(file))["mcpServers"].take();
    assert_eq!(servers["desk"]["url"], servers["desk2"]["url"]);
    let keys = home.keys();

    let path = home.write(file, "{}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let refused = home.refused("cursor", &["--write"]);
    assert!(refused.contains("read-only"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(home.refused("cursor", &["--write"]).contains("is no file"));
    fs::remove_dir(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    assert!(home.refused("cursor", &["--write"]).contains("leads nowhere"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(home.refused("cursor", &["--write"]).contains("is not UTF-8"));
    assert_eq!(home.keys(), keys, "no key is made for nothing");

    // Whoever lets everybody read it is told what that means from now on.
    fs::remove_file(&path).unwrap();
    let path = home.write(file, "{}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let said = home.connected("cursor", &["--write"]);
    assert!(
        said.contains("Every user of this machine can read the file") && said.contains("chmod o-r"),
        "{said}"
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);

    // A link is followed, and stays one.
    let target = home.write("dotfiles/cursor.json", "{}");
    fs::remove_file(&path).unwrap();
    symlink(&target, &path).unwrap();
    home.connected("cursor", &["--write"]);
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(read(&target)["mcpServers"]["desk"].is_object());
}

#[test]
fn a_key_is_taken_back_if_the_file_cannot_be_written() {
    let home = Home::open();
    // Its folder would have to be where a file is.
    home.write(".cursor", "");
    let refused = home.refused("cursor", &["--write"]);
    assert!(refused.contains(".cursor/mcp.json"), "{refused}");
    assert_eq!(home.keys(), "no keys\n");
}

#[test]
fn it_can_be_printed_looked_at_first_and_done_from_afar() {
    let home = Home::open();
    let tried = home.connected("vscode", &["--write", "--dry-run"]);
    assert!(
        tried.contains("a key made for it") && !home.file(".config").exists(),
        "{tried}"
    );
    assert_eq!(home.keys(), "no keys\n");

    let printed = home.connected("vscode", &[]);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let key = printed["servers"]["desk"]["headers"]["Authorization"]
        .as_str()
        .unwrap();
    assert_eq!(home.status("/mcp/desk", key), 200);

    let project = home.sandbox.path().join("project");
    fs::create_dir(&project).unwrap();
    let given = [
        "--write",
        "--project",
        "project",
        "--client-key",
        "0123456789abcdef",
        "--url",
        "https://gw.example.com/",
    ];
    let said = home.connected("vscode", &given);
    assert!(said.contains("version control"), "{said}");
    let entry = read(&project.join(".vscode/mcp.json"))["servers"]["desk"].take();
    assert_eq!(entry["url"], "https://gw.example.com/mcp/desk");
    assert_eq!(entry["headers"]["Authorization"], "Bearer 0123456789abcdef");
    assert_eq!(
        home.connect("zed", &["--write", "--project", "."]).status.code(),
        Some(2)
    );

    // The configured one, too, whoever asks.
    for admins in [&["--client-key", KEY, "--key", KEY][..], &["--client-key", KEY]] {
        let admins = home.connect("vscode", admins);
        assert_eq!(admins.status.code(), Some(2));
        assert!(text(&admins.stderr).contains("administrator's key"));
    }
    let mut shown = home.command(&["clients", "desk", "--key", KEY, "--config", "cli.toml"]);
    let shown = shown.output().unwrap();
    assert_eq!(shown.status.code(), Some(2), "{}", text(&shown.stdout));

    let unknown = home
        .command(&["connect", "dexk", "--client", "zed", "--config", "cli.toml"])
        .output()
        .unwrap();
    let unknown = text(&unknown.stderr);
    assert!(
        unknown.contains("there is no instance `dexk`; did you mean `desk`?"),
        "{unknown}"
    );

    let origin = home.gateway.origin.clone();
    let afar = home
        .command(&[
            "connect", "desk", "--client", "zed", "--write", "--server", &origin, "--key", KEY,
        ])
        .output()
        .unwrap();
    assert!(afar.status.success(), "{}", text(&afar.stderr));
    let entry = read(&home.file(".config/zed/settings.json"))["context_servers"]["desk"].take();
    let key = entry["headers"]["Authorization"].as_str().unwrap();
    assert_ne!(key, format!("Bearer {KEY}"));
    assert_eq!(home.status("/mcp/desk", key), 200);
}
