//! Where a configuration is looked for that nobody names.

use super::{Gateway, Sandbox};
use std::process::Command;

/// With a home of its own.
fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command
        .env("HOME", sandbox.path().join("home"))
        .env("XDG_CONFIG_HOME", sandbox.path().join("xdg"))
        .env("XDG_DATA_HOME", sandbox.path().join("share"));
    command
}

/// The file that is taken, and the port that it says.
fn taken(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let output = command(sandbox, &[&["config", "check"], arguments].concat())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{why}");
    let file = said.lines().find_map(|line| line.strip_prefix("ok: "));
    let file = file.unwrap_or_else(|| panic!("{said}"));
    let root = format!("{}/", sandbox.path().display());
    file.strip_prefix(&root).unwrap_or(file).to_owned()
}

#[test]
fn the_first_that_is_there_is_taken() {
    const AGGREGATOR: &str = "server: {port: 9999}\nservers: []\n";
    let sandbox = Sandbox::new();
    let none = taken(&sandbox, &[]);
    // A machine may have had an aggregator for all of its users.
    assert!(
        ["no file, defaults and environment", "/etc/only1mcp/config.yaml"].contains(&none.as_str()),
        "{none}"
    );
    // From the last place to the first.
    for (file, text) in [
        ("home/.only1mcp/config.yaml", AGGREGATOR),
        ("only1mcp.toml", "servers = []\n[server]\nport = 9999\n"),
        ("only1mcp.yaml", AGGREGATOR),
        ("xdg/only1mcp/only1mcp.yaml", AGGREGATOR),
        ("xdg/dynmcp/dynmcp.toml", "[app]\nport = 9999\n"),
        ("config/development.toml", "[app]\nport = 9999\n"),
    ] {
        sandbox.write(file, text);
        assert_eq!(taken(&sandbox, &[]), file);
    }
    sandbox.write("named.toml", "");
    assert_eq!(taken(&sandbox, &["--config", "named.toml"]), "named.toml");
    // A mode that was asked for is not replaced by anything else.
    let mut asked = command(&sandbox, &["config", "check"]);
    let output = asked.env("RUN_MODE", "production").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn without_the_variable_it_is_the_usual_folder_of_the_home() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("home/.config/dynmcp/dynmcp.toml", "");
    let mut command = command(&sandbox, &["config", "check"]);
    let output = command.env_remove("XDG_CONFIG_HOME").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.ends_with(&format!("ok: {}\n", file.display())), "{said}");
}

#[test]
fn start_makes_the_first_one_and_the_next_start_takes_it() {
    let sandbox = Sandbox::new();
    let start = || {
        let mut gateway = Gateway::spawn_until_ready(&sandbox, command(&sandbox, &["start", "--port", "0"]));
        let output = gateway.output();
        gateway.signal("TERM");
        assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
        output
    };
    let said = start();
    let file = sandbox.path().join("xdg/dynmcp/dynmcp.toml");
    let made = format!(
        "There was no configuration; {} is one to begin with.",
        file.display()
    );
    assert!(said.contains(&made), "{said}");
    assert!(said.contains("Admin key: "), "{said}");
    assert!(sandbox.path().join("share/dynmcp/dynmcp.db").is_file());
    assert!(
        !sandbox.path().join("data").exists(),
        "nothing is left where it was started"
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let again = start();
    assert!(!again.contains("There was no configuration"), "{again}");
    assert!(!again.contains("Admin key: "), "{again}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    // What only looks makes none.
    let other = Sandbox::new();
    taken(&other, &[]);
    assert!(!other.path().join("xdg").exists());
}
