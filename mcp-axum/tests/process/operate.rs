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
