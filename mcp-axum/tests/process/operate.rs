//! Commands that steer: definitions one by one, what they were before, how the gateway is doing, its start and its end.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::{fs, process::Output};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

struct Desk {
    sandbox: Sandbox,
    gateway: Gateway,
}

impl Desk {
    fn open() -> Self {
        let sandbox = Sandbox::new();
        let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
        let port = gateway.origin.rsplit_once(':').unwrap().1;
        sandbox.write("cli.toml", &format!("[app]\nport = {port}\napi_key = '{KEY}'\n"));
        let tool = |description: &str| {
            json!({"name": "health", "description": description, "input_schema": {}, "tags": ["ops"],
                "tds_ext_info": {"domain": gateway.origin, "method": "GET", "path": "/healthz"}})
        };
        gateway.put("tds/health", &tool("As it was."));
        gateway.put("tds/health", &tool("As it is."));
        gateway.put("ids/desk", &json!({"name": "Desk", "tool_ids": ["health"]}));
        Self { sandbox, gateway }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.sandbox.command(arguments);
        command.args(["--config", "cli.toml"]).env("DYNMCP_KEY", KEY);
        command.output().unwrap()
    }

    fn fine(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.fine(arguments)).unwrap()
    }

    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output.stdout)
        );
        text(&output.stderr)
    }
}

#[test]
fn definitions_are_listed_shown_and_deleted_here_and_from_afar() {
    let desk = Desk::open();
    let origin = desk.gateway.origin.clone();
    for afar in [&[][..], &["--server", &origin]] {
        let with = |arguments: &[&'static str]| [arguments, afar].concat();
        let list = desk.fine(&with(&["list", "tools"]));
        assert!(
            list.starts_with("ID") && list.contains("health") && list.contains("As it is."),
            "{list}"
        );
        assert_eq!(desk.fine(&with(&["list", "tds", "--tag", "none"])), "none\n");
        let listed = desk.json(&with(&["list", "tool", "--q", "HEAL", "--format", "json"]));
        assert_eq!(listed[0]["id"], "health");
        assert_eq!(desk.json(&with(&["get", "instances", "desk"]))["name"], "Desk");
        let unknown = desk.refused(&with(&["get", "tools", "helth"]), 1);
        assert!(unknown.contains("did you mean `health`?"), "{unknown}");
    }
    assert!(
        desk.refused(&["list", "things"], 2)
            .contains("must be tools, instances")
    );
    assert!(
        desk.refused(&["delete", "instances", "desk"], 1)
            .contains("--confirm")
    );
    desk.fine(&["delete", "instances", "desk", "--confirm"]);
    assert_eq!(desk.gateway.get("/mcp/desk").unwrap().0, 401);
    assert_eq!(desk.fine(&["list", "instances"]), "none\n");
}

#[test]
fn what_was_before_is_shown_and_brought_back() {
    let desk = Desk::open();
    let history = desk.json(&["history", "tools", "health", "--format", "json"]);
    let history = history.as_array().unwrap();
    assert_eq!(history.len(), 2, "{history:?}");
    let first = history[1]["revision"].to_string();
    let shown = desk.fine(&["history", "tools", "health"]);
    assert!(
        shown.starts_with("REVISION") && shown.lines().count() == 3,
        "{shown}"
    );
    let diff = desk.fine(&["diff", "tools", "health", &first]);
    assert!(
        diff.contains("/description\n  - \"As it was.\"\n  + \"As it is.\"\n"),
        "{diff}"
    );
    let back = desk.fine(&["rollback", "tools", "health", &first]);
    assert!(back.contains(&format!("as it was at revision {first}")), "{back}");
    assert_eq!(
        desk.json(&["get", "tools", "health"])["description"],
        "As it was."
    );
    assert_eq!(
        desk.fine(&["diff", "tools", "health", &first]),
        "both say the same\n"
    );
    desk.refused(&["rollback", "tools", "health", "999999"], 1);
}

#[test]
fn what_others_stored_does_not_steer_a_terminal() {
    let desk = Desk::open();
    let hostile = "Desk\u{1b}[2J\u{9b}1m\u{202e}";
    desk.gateway
        .put("ids/desk", &json!({"name": hostile, "tool_ids": ["health"]}));
    let history = desk.json(&["history", "instances", "desk", "--format", "json"]);
    let first = history[1]["revision"].to_string();
    let list = desk.fine(&["list", "instances"]);
    assert!(list.contains("Desk\u{fffd}[2J\u{fffd}1m\u{fffd}"), "{list}");
    let diff = desk.fine(&["diff", "instances", "desk", &first]);
    assert!(diff.contains(r#"+ "Desk\u001b[2J\u009b1m\u202e""#), "{diff}");
    let got = desk.fine(&["get", "instances", "desk"]);
    assert_eq!(serde_json::from_str::<Value>(&got).unwrap()["name"], hostile);
    for said in [list, diff, got] {
        let steers = said
            .chars()
            .find(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'));
        assert_eq!(steers, None, "{said:?}");
    }
}

#[test]
fn it_is_said_how_the_gateway_is_doing() {
    let desk = Desk::open();
    let status = desk.fine(&["status"]);
    assert!(
        status.contains("ready        true") && status.contains("tds 1, ids 1"),
        "{status}"
    );
    assert_eq!(
        desk.json(&["status", "--format", "json"])["status"]["ready"],
        true
    );
    assert_eq!(desk.fine(&["quarantine"]), "nothing is in quarantine\n");
    let nobody = desk.refused(&["status", "--server", "http://127.0.0.1:1"], 1);
    assert!(nobody.contains("nothing listens there"), "{nobody}");
}

#[test]
fn calls_are_measured() {
    let desk = Desk::open();
    let measured = desk.json(&[
        "benchmark",
        "desk",
        "health",
        "-n",
        "20",
        "-c",
        "4",
        "--format",
        "json",
    ]);
    assert_eq!((&measured["calls"], &measured["errors"]), (&json!(20), &json!(0)));
    let times = ["p50_ms", "p90_ms", "p99_ms", "max_ms"].map(|name| measured[name].as_f64().unwrap());
    assert!(times.is_sorted() && times[0] > 0.0, "{measured}");
    let unknown = desk.refused(&["benchmark", "desk", "none"], 1);
    assert!(unknown.contains("no tool `none`"), "{unknown}");
}

#[test]
fn upstreams_are_switched_tested_and_removed() {
    let desk = Desk::open();
    desk.gateway.put(
        "ids/open",
        &json!({"name": "Open", "auth": "none", "tool_ids": ["health"]}),
    );
    desk.fine(&["add", "self", &format!("{}/mcp/open", desk.gateway.origin)]);
    let shown = || desk.json(&["get", "upstreams", "self"]);
    assert_eq!(desk.fine(&["upstreams", "disable", "self"]), "self is disabled\n");
    assert_eq!(shown()["enabled"], false);
    desk.fine(&["upstreams", "enable", "self"]);
    assert_eq!(shown()["enabled"], true);
    // A gateway is no upstream of itself: the test says so instead of going in circles.
    let tested = desk.run(&["upstreams", "test", "self"]);
    let said = text(&tested.stdout) + &text(&tested.stderr);
    assert!(said.contains("self"), "{said}");
    assert_eq!(desk.fine(&["upstreams", "logs", "self"]), "");
    assert!(
        desk.refused(&["upstreams", "remove", "self"], 1)
            .contains("--confirm")
    );
    desk.fine(&["upstreams", "remove", "self", "--confirm"]);
    assert_eq!(desk.fine(&["list", "upstreams"]), "none\n");
    assert!(
        desk.refused(&["upstreams", "refresh", "none"], 1)
            .contains("none")
    );
}

/// Without `upstreams` before it, and as scripts read it.
#[test]
fn what_is_done_often_with_upstreams_is_said_shortly_and_read_by_programs() {
    let desk = Desk::open();
    let (name, url) = ("self", format!("{}/mcp/desk", desk.gateway.origin));
    let added = desk.json(&["add", name, &url, "--format", "json"]);
    assert_eq!(added["created"][0], format!("uds/{name}"), "{added}");
    let done = |word: &str| json!({"id": name, "done": word});
    let json = |arguments: &[&str]| desk.json(&[arguments, &["--format", "json"]].concat());
    assert_eq!(json(&["disable", name]), done("disabled"));
    assert_eq!(json(&["get", "upstreams", name])["enabled"], false);
    assert_eq!(json(&["enable", name]), done("enabled"));
    assert_eq!(desk.fine(&["logs", name]), "");
    assert!(desk.refused(&["remove", name], 1).contains("--confirm"));
    // What is no folder is an upstream; this one would be the gateway itself.
    let tested = desk.refused(&["test", name], 1);
    assert_eq!(tested, desk.refused(&["upstreams", "test", name], 1));
    assert!(desk.refused(&["test", "nobody"], 1).contains("nobody"));
    assert!(desk.refused(&["refresh", "nobody"], 1).contains("nobody"));
    assert_eq!(json(&["remove", name, "--confirm"]), done("removed"));
    assert_eq!(json(&["list", "upstreams"]), json!([]));
}

#[test]
fn what_says_one_line_says_it_to_programs_too() {
    let desk = Desk::open();
    let json = |arguments: &[&str]| desk.json(&[arguments, &["--format", "json"]].concat());
    let before = json(&["history", "tools", "health"])[1]["revision"].to_string();
    assert_eq!(json(&["rollback", "tools", "health", &before])["id"], "health");
    let deleted = json(&["delete", "tools", "health", "--confirm"]);
    assert_eq!(deleted, json!({"kind": "tds", "id": "health", "done": "deleted"}));
    let key = json(&["keys", "create", "--name", "ci", "--instance", "desk"])["id"].clone();
    let key = key.as_str().unwrap();
    for (words, done) in [
        (&["keys", "inactivate", key][..], "inactivated"),
        (&["keys", "activate", key], "activated"),
        (&["keys", "delete", key, "--confirm"], "deleted"),
    ] {
        assert_eq!(json(words), json!({"id": key, "done": done}));
    }
    desk.sandbox
        .write("ops.yaml", "allow: [{actions: ['tools/call']}]\n");
    assert_eq!(
        json(&["roles", "put", "ops.yaml"]),
        json!([{"id": "ops", "done": "created"}])
    );
    assert_eq!(json(&["roles", "show", "ops"])["id"], "ops");
    assert_eq!(
        json(&["roles", "delete", "ops", "--confirm"]),
        json!({"id": "ops", "done": "deleted"})
    );
    assert_eq!(json(&["config", "check"])["warnings"], json!([]));
    assert!(json(&["config", "show"])["app"]["port"].is_u64());
    assert_eq!(json(&["validate"]), json!({"valid": true, "problems": []}));
    let clients = json(&["clients", "desk"]);
    assert!(clients.as_array().unwrap().len() > 5, "{clients}");
    let connected = json(&["connect", "desk", "--client", "cursor", "--file", "mcp.json"]);
    assert_eq!(connected["client"], "cursor", "{connected}");
    assert!(
        connected["text"].as_str().unwrap().contains("/mcp/desk"),
        "{connected}"
    );
    let arguments = [
        "connect", "desk", "--client", "cursor", "--file", "mcp.json", "--write",
    ];
    let written = json(&arguments);
    assert_eq!(written["done"], "written");
    let file = desk.sandbox.path().join("mcp.json");
    assert_eq!(written["file"], json!(file), "{written}");
    assert!(file.is_file());
    assert_eq!(json(&arguments)["done"], "nothing");
    let exported = json(&["export", "out"]);
    assert!(exported["written"].as_u64().unwrap() > 0, "{exported}");
    let hashed = json(&["hash-key", "--generate"]);
    assert!(hashed["key"].is_string() && hashed["hash"].is_string());
    let pid = desk.gateway.pid();
    assert_eq!(json(&["stop"]), json!({"process": pid, "done": "stopped"}));
}

/// On a terminal, which could show colours.
#[cfg(target_os = "linux")]
#[test]
fn no_color_is_obeyed_everywhere() {
    let desk = Desk::open();
    for arguments in [
        "--help",
        "list --help",
        "no-such-command",
        "status",
        "quarantine",
        "list tools",
        "diff tools health 1",
        "call desk",
        "call desk no-such-tool",
        "benchmark desk health -n 4",
        "config doctor",
        "top --once --every 0.1",
    ] {
        let said = |no_color: Option<&str>| {
            let line = format!("{} {arguments} --config cli.toml", env!("CARGO_BIN_EXE_dynmcp"));
            let mut command = desk.sandbox.command_of("script", &["--quiet", "--command"]);
            command.arg(line).arg("/dev/null").env("DYNMCP_KEY", KEY);
            command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
            command.envs(no_color.map(|value| ("NO_COLOR", value)));
            text(&command.output().unwrap().stdout)
        };
        let plain = said(Some("1"));
        assert!(
            !plain.is_empty() && !plain.contains("\u{1b}["),
            "{arguments}: {plain:?}"
        );
        if arguments == "--help" {
            let styled = said(None);
            assert!(styled.contains("\u{1b}["), "the terminal is one: {styled:?}");
        }
    }
}

#[test]
fn a_gateway_is_stopped_by_its_configuration() {
    let sandbox = Sandbox::new();
    let mut gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
    let stop = |sandbox: &Sandbox| {
        let output = sandbox.run(&["stop", "--config", "test.toml"]);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, said) = stop(&sandbox);
    assert_eq!(
        (code, said),
        (Some(0), format!("stopped (process {})\n", gateway.pid()))
    );
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
    let (code, said) = stop(&sandbox);
    assert!(code == Some(1) && said.contains("no gateway runs here"), "{said}");
}

/// A number of a process means another one in each container, and on each machine that has the folder.
#[cfg(target_os = "linux")]
#[test]
fn a_process_of_another_container_is_not_ended_by_its_number() {
    let sandbox = Sandbox::new();
    let mut bystander = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let file = sandbox.write(
        "data/gateway.pid",
        &format!("{}\npid:[1] elsewhere\n", bystander.id()),
    );
    let held = fs::File::open(file).unwrap();
    held.lock().unwrap();
    sandbox.write("test.toml", "");
    let output = sandbox.run(&["stop", "--config", "test.toml"]);
    let said = text(&output.stderr);
    let is_alive = bystander.try_wait().unwrap().is_none();
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert!(is_alive, "{said}");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("of another container or machine: stop it where it runs"),
        "{said}"
    );
}

#[test]
fn each_template_is_valid_and_starts() {
    for template in ["solo", "team", "enterprise"] {
        let sandbox = Sandbox::new();
        let generate = [
            "config",
            "generate",
            "--template",
            template,
            "--output",
            "made.toml",
        ];
        assert!(sandbox.run(&generate).status.success());
        let again = sandbox.run(&generate);
        assert!(!again.status.success() && text(&again.stderr).contains("left as it is"));
        let valid = sandbox.run(&["validate", "made.toml"]);
        assert_eq!(
            text(&valid.stdout),
            "✓ Configuration valid\n",
            "{template}: {}",
            text(&valid.stderr)
        );
        let mut command = sandbox.command(&["serve", "--config", "made.toml"]);
        command
            .env("APP__APP__PORT", "0")
            .env("APP__APP__HOST", "127.0.0.1")
            .env("APP__APP__ADMIN_LISTEN", "")
            .env("APP__APP__API_KEY", KEY);
        let mut gateway = Gateway::spawn_until_ready(&sandbox, command);
        gateway.signal("TERM");
        assert_eq!(gateway.exit_code(), Some(0), "{template}: {}", gateway.output());
        let made = fs::read_to_string(sandbox.path().join("made.toml")).unwrap();
        assert!(!made.contains("{session_secret}"), "{template}");
    }
}

#[test]
fn what_is_wrong_with_a_configuration_is_named() {
    let sandbox = Sandbox::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    sandbox.write(
        "x.toml",
        &format!("[app]\nport = {port}\nauthenticators = ['none']\n"),
    );
    let doctor = sandbox.run(&["config", "doctor", "--config", "x.toml"]);
    let said = text(&doctor.stdout);
    assert_eq!(doctor.status.code(), Some(1), "{said}");
    assert!(said.contains("problem: app.port: nobody can listen"), "{said}");
    assert!(said.contains("advice: app.authenticators"), "{said}");
    drop(taken);
    let better = sandbox.run(&["config", "doctor", "--config", "x.toml", "--format", "json"]);
    let found: Value = serde_json::from_slice(&better.stdout).unwrap();
    assert_eq!(better.status.code(), Some(0), "{found}");
    assert_eq!(found[0]["is_problem"], false);
    // Every place where it would listen is looked at, and two of them cannot be one.
    let listen = |admin: u16| {
        sandbox.write(
            "z.toml",
            &format!("[app]\nport = {port}\nadmin_listen = '127.0.0.1:{admin}'\n"),
        );
        text(&sandbox.run(&["config", "doctor", "--config", "z.toml"]).stdout)
    };
    let said = listen(port);
    assert!(
        said.contains("problem: app.admin_listen: nobody can listen"),
        "{said}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let said = listen(taken.local_addr().unwrap().port());
    assert!(
        said.contains("problem: app.admin_listen: nobody can listen") && !said.contains("app.port:"),
        "{said}"
    );
    sandbox.write("y.toml", "[app]\nprot = 1\nworkers = 5000\n");
    let invalid = sandbox.run(&["validate", "y.toml"]);
    let said = text(&invalid.stderr);
    assert_eq!(invalid.status.code(), Some(1));
    assert!(
        said.contains("✗ app.prot") && said.contains("✗ app.workers"),
        "{said}"
    );
    assert!(!sandbox.path().join("data").exists(), "nothing was made");
}
