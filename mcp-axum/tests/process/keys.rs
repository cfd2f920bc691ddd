//! `dynmcp keys`, on the store beside a running gateway and through its admin API.

use super::{Gateway, KEY, Sandbox};
use serde_json::Value;
use std::process::Output;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The gateway and the commands of one of its keeper.
struct Desk {
    sandbox: Sandbox,
    gateway: Gateway,
    remote: bool,
}

impl Desk {
    /// `source` is more of the configuration, which the gateway and the commands share.
    fn open(remote: bool, source: &str) -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.path().join("defs")).unwrap();
        let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n{source}"));
        gateway.put("ids/desk", &serde_json::json!({"name": "Desk"}));
        let port = gateway.origin.rsplit_once(':').unwrap().1;
        sandbox.write(
            "cli.toml",
            &format!("[app]\nport = {port}\napi_key = '{KEY}'\n{source}"),
        );
        Self {
            sandbox,
            gateway,
            remote,
        }
    }

    fn keys(&self, arguments: &[&str]) -> Output {
        let mut command = self.sandbox.command(&["keys"]);
        command.args(arguments).env_remove("DYNMCP_KEY");
        match self.remote {
            true => command.args(["--server", &self.gateway.origin, "--key", KEY]),
            false => command.args(["--config", "cli.toml"]),
        };
        command.output().unwrap()
    }

    /// Standard output of a command that does what it should.
    fn fine(&self, arguments: &[&str]) -> String {
        let output = self.keys(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The status of a ping with the key.
    fn opens(&self, key: &str) -> u16 {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let request = reqwest::Client::new()
            .post(format!("{}/mcp/desk", self.gateway.origin))
            .bearer_auth(key.trim())
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .body(body);
        super::gateway::request(request).unwrap().0
    }
}

fn lives(remote: bool, source: &str) {
    let desk = Desk::open(remote, source);
    assert_eq!(desk.fine(&["list"]), "no keys\n");
    let created = desk.keys(&[
        "create",
        "--name",
        "ann",
        "--instance",
        "desk",
        "--owner",
        "team-a",
        "--expires",
        "90d",
    ]);
    let (first, said) = (text(&created.stdout), text(&created.stderr));
    assert!(
        first.starts_with("mcp_k") && first.lines().count() == 1,
        "{first}"
    );
    assert!(said.contains("shown now and never again"), "{said}");
    assert_eq!(desk.opens(&first), 200, "the command waits until it is known");
    let list = desk.fine(&["list"]);
    let row = list.lines().nth(1).unwrap();
    assert!(
        row.contains("  ann   active  desk") && row.starts_with(&first[4..17]),
        "{list}"
    );

    let second = desk.fine(&["rotate", "ann", "--grace", "1h"]);
    assert_eq!((desk.opens(&first), desk.opens(&second)), (200, 200));
    let shown: Value = serde_json::from_str(&desk.fine(&["show", "ann"])).unwrap();
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(shown["owner"], "team-a");
    assert_eq!(
        shown["usage"]["requests"].as_u64().is_some_and(|n| n >= 3),
        remote,
        "{shown}"
    );
    assert!(!shown.to_string().contains(&second[20..60]), "{shown}");
    let third: Value = serde_json::from_str(&desk.fine(&["rotate", "ann", "--format", "json"])).unwrap();
    let third = third["key"].as_str().unwrap();
    assert_eq!(
        (desk.opens(&first), desk.opens(&second), desk.opens(third)),
        (401, 401, 200)
    );

    desk.fine(&["inactivate", "ann"]);
    assert_eq!(desk.opens(third), 401);
    assert_eq!(desk.fine(&["list"]), "no keys\n");
    assert!(desk.fine(&["list", "--include-inactive"]).contains("inactive"));
    desk.fine(&["activate", "ann"]);
    assert_eq!(desk.opens(third), 200);

    let unsure = desk.keys(&["delete", "ann"]);
    assert_eq!(unsure.status.code(), Some(1));
    assert!(
        text(&unsure.stderr).contains("add --confirm"),
        "{}",
        text(&unsure.stderr)
    );
    assert_eq!(desk.opens(third), 200);
    desk.fine(&["delete", "ann", "--confirm"]);
    assert_eq!(desk.opens(third), 401);
    let gone = desk.keys(&["show", "ann"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(
        text(&gone.stderr).contains("no key has the id or the name `ann`"),
        "{}",
        text(&gone.stderr)
    );
}

#[test]
fn keys_of_the_store_beside_a_gateway() {
    lives(false, "");
}

#[test]
fn keys_of_a_folder_beside_a_gateway() {
    let source = "data_source = 'file'\n[data_source.file]\npath = 'defs'\nwritable = true\n";
    lives(false, source);
}

#[test]
fn keys_through_the_admin_api() {
    lives(true, "");
}

#[test]
fn wishes_that_cannot_be_are_refused_before_anything_is_stored() {
    let sandbox = Sandbox::new();
    for (arguments, said) in [
        (&["--expires", "someday"][..], "--expires someday: must be a time"),
        (
            &["--role", "Admin"],
            "roles[0]: `Admin` is no role that opens anything; write `admin`",
        ),
        (&["--instance", ""], "instances[0]: must be what is meant"),
    ] {
        let output = sandbox.run(&[&["keys", "create", "--name", "ann"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
    assert_eq!(sandbox.files(), Vec::<String>::new());
}

#[test]
fn a_configured_key_that_opens_nothing_is_told_of_and_the_last_admin_of_the_store_stays() {
    let sandbox = Sandbox::new();
    let config = |authenticators: &str| {
        format!(
            "[app]\nauthenticators = [{authenticators}]\napi_key = '{KEY}'\n\
             [[authenticator.jwt.issuers]]\nname = 'a'\nissuer = 'https://issuer.example.com'\n"
        )
    };
    sandbox.write("jwt.toml", &config("'jwt'"));
    sandbox.write("both.toml", &config("'jwt', 'api_key'"));
    let run = |arguments: &[&str], config: &str| {
        let output = sandbox
            .command(arguments)
            .args(["--config", config])
            .env_remove("DYNMCP_KEY")
            .output()
            .unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        (output.status.code(), said)
    };
    let warning = "app.api_key: opens nothing";
    let (code, said) = run(&["config", "check"], "jwt.toml");
    assert!(code == Some(0) && said.contains(warning), "{said}");
    let (code, said) = run(&["config", "doctor"], "jwt.toml");
    assert!(
        code == Some(1) && said.contains(&format!("problem: {warning}")),
        "{said}"
    );
    for command in ["check", "doctor"] {
        let (_, said) = run(&["config", command], "both.toml");
        assert!(!said.contains(warning), "{command}: {said}");
    }

    let other = Sandbox::new();
    let gateway = Gateway::start(&other, &config("'jwt'"));
    gateway.wait("the warning in the log", |gateway| {
        gateway.output().contains(warning)
    });

    let fine = |arguments: &[&str], config: &str| {
        let (code, said) = run(arguments, config);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
    };
    fine(
        &["keys", "create", "--name", "ann", "--role", "admin"],
        "jwt.toml",
    );
    for arguments in [
        &["keys", "inactivate", "ann"][..],
        &["keys", "delete", "ann", "--confirm"],
    ] {
        let (code, said) = run(arguments, "jwt.toml");
        assert!(
            code == Some(1) && said.contains("is the last key that may write keys"),
            "{said}"
        );
    }
    // The configured key is there for whoever comes too late.
    fine(&["keys", "inactivate", "ann"], "both.toml");
    fine(&["keys", "activate", "ann"], "jwt.toml");
    fine(&["keys", "delete", "ann", "--confirm", "--force"], "jwt.toml");
}

#[test]
fn when_a_key_was_used_is_known_after_the_gateway_has_ended() {
    let mut desk = Desk::open(false, "");
    let key = desk.fine(&["create", "--name", "ann", "--instance", "desk"]);
    let key = key.trim();
    assert_eq!((desk.opens(key), desk.opens(key)), (200, 200));
    desk.gateway.signal("TERM");
    assert_eq!(desk.gateway.exit_code(), Some(0));
    let shown: Value = serde_json::from_str(&desk.fine(&["show", "ann"])).unwrap();
    assert_eq!(shown["usage"]["requests"], 2, "{shown}");
    assert!(
        shown["usage"]["last_used_at"].as_str() >= shown["usage"]["since"].as_str(),
        "{shown}"
    );
    assert!(!desk.sandbox.read("data/key-usage.json").contains(key));
}
