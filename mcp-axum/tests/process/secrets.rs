//! `dynmcp secrets`, on the store beside a running gateway and through its admin API.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Output, Stdio},
};

const VALUE: &str = "tr0ub4dor-and-3";
const FIRST: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const THIRD: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SECOND: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Commands of a keeper.
struct Desk {
    sandbox: Sandbox,
    /// The gateway that they ask, where they do.
    server: Option<String>,
}

impl Desk {
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.sandbox.command(arguments);
        command.env_remove("DYNMCP_KEY").stdin(Stdio::piped());
        match &self.server {
            Some(server) => command.args(["--server", server, "--key", KEY]),
            None => command.args(["--config", "cli.toml"]),
        };
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that refuses before it reads ends the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        for shown in [&output.stdout, &output.stderr] {
            assert!(!text(shown).contains(VALUE), "{arguments:?}: {}", text(shown));
        }
        output
    }

    fn fine(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn refused(&self, arguments: &[&str], input: &str, expected: &str) {
        let output = self.run(arguments, input);
        let said = text(&output.stderr);
        assert!(
            !output.status.success() && said.contains(expected),
            "{arguments:?}: {said}"
        );
    }

    fn configure(&self, keys: &str) {
        self.sandbox.write("secret.keys", keys);
        let file = self.sandbox.path().join("secret.keys");
        self.sandbox.write(
            "cli.toml",
            &format!(
                "[app]\nport = 0\napi_key = '{KEY}'\n[secrets]\nkey_file = '{}'\n",
                file.display()
            ),
        );
    }
}

fn lives(remote: bool) {
    let sandbox = Sandbox::new();
    let mut desk = Desk {
        sandbox,
        server: None,
    };
    desk.configure(&format!("{FIRST}\n"));
    let file = desk.sandbox.path().join("secret.keys");
    let gateway = Gateway::start(
        &desk.sandbox,
        &format!(
            "[app]\napi_key = '{KEY}'\n[secrets]\nkey_file = '{}'\n",
            file.display()
        ),
    );
    desk.server = remote.then(|| gateway.origin.clone());
    assert_eq!(desk.fine(&["secrets", "list"], ""), "no secrets in the store\n");
    let put = [
        "secrets",
        "put",
        "billing",
        "--tool",
        "billing_*",
        "--description",
        "Billing's key",
    ];
    assert_eq!(desk.fine(&put, &format!("{VALUE}\n")), "created billing\n");
    let list = desk.fine(&["secrets", "list"], "");
    assert!(
        list.contains("tools billing_*") && list.contains("Billing's key"),
        "{list}"
    );
    desk.refused(&["secrets", "put", "empty"], "\n", "no value; nothing was stored");
    desk.refused(
        &["secrets", "put", "large"],
        &VALUE.repeat(70_000),
        "more than 65536 bytes",
    );
    desk.refused(&["secrets", "put", "a/b"], VALUE, "must have 1 to 64");
    desk.refused(
        &["secrets", "put", "other", "--keep-value"],
        "",
        "there is no secret `other`",
    );

    // What is not said stays.
    let kept = [
        "secrets",
        "put",
        "billing",
        "--keep-value",
        "--upstream",
        "billing",
    ];
    assert_eq!(desk.fine(&kept, ""), "replaced billing\n");
    let all: Value = serde_json::from_str(&desk.fine(&["secrets", "list", "--format", "json"], "")).unwrap();
    assert_eq!(
        all[0]["usable_by"],
        json!({"tools": ["billing_*"], "upstreams": ["billing"]})
    );
    assert!(
        all[0].get("sealed").is_none() && all[0].get("value").is_none(),
        "{all}"
    );
    let shown = desk.fine(&["get", "secrets", "billing"], "");
    assert!(!shown.contains("sealed"), "{shown}");
    let exported = desk.run(&["export"], "");
    assert!(
        text(&exported.stderr).contains("the values of 1 secrets are not exported"),
        "{}",
        text(&exported.stderr)
    );
    assert!(
        !text(&exported.stdout).contains("sealed"),
        "{}",
        text(&exported.stdout)
    );
    desk.sandbox.write("defs/all.json", &text(&exported.stdout));
    let plan = desk.fine(&["plan", "defs"], "");
    assert!(
        !plan.contains("secrets/billing") || plan.contains("unchanged"),
        "{plan}"
    );

    desk.refused(&["secrets", "delete", "billing"], "", "add --confirm");
    let rotated = desk.fine(&["secrets", "rotate"], "");
    assert!(
        rotated.starts_with("0 of 1 encrypted anew; key now: "),
        "{rotated}"
    );
    drop(gateway);
    if !remote {
        desk.configure(&format!("{SECOND}\n{FIRST}\n"));
        let rotated = desk.fine(&["secrets", "rotate"], "");
        assert!(rotated.starts_with("1 of 1 encrypted anew"), "{rotated}");
        desk.configure(SECOND);
        desk.fine(&["verify"], "");
        // One that nobody can open any more keeps no other from being encrypted anew.
        desk.configure(THIRD);
        desk.fine(&["secrets", "put", "lost", "--tool", "a"], VALUE);
        desk.configure(&format!("{FIRST}\n{SECOND}\n"));
        let rotated = desk.run(&["secrets", "rotate"], "");
        let (said, told) = (text(&rotated.stdout), text(&rotated.stderr));
        assert_eq!(rotated.status.code(), Some(1), "{said} {told}");
        assert!(said.starts_with("1 of 2 encrypted anew"), "{said} {told}");
        assert!(told.contains("1 of 2 secrets stay as they are: lost"), "{told}");
        desk.fine(&["secrets", "delete", "lost", "--confirm"], "");
        assert_eq!(
            desk.fine(&["secrets", "delete", "billing", "--confirm"], ""),
            "deleted billing\n"
        );
    }
}

#[test]
fn secrets_live_in_the_store_beside_a_gateway() {
    lives(false);
}

#[test]
fn secrets_live_in_a_gateway() {
    lives(true);
}

#[test]
fn a_wrong_key_keeps_a_gateway_from_starting_and_is_named() {
    let sandbox = Sandbox::new();
    for (config, environment, expected) in [
        (
            "[secrets]\nkey = 'hunter2'\n",
            None,
            "secrets.key: key 1 is no key",
        ),
        (
            "[secrets]\nkey_file = '/nowhere/keys'\n",
            None,
            "secrets.key_file: `/nowhere/keys` cannot be read",
        ),
        ("", Some("hunter2"), "ENCRYPTION_KEY: key 1 is no key"),
    ] {
        sandbox.write(
            "wrong.toml",
            &format!("[app]\nport = 0\napi_key = '{KEY}'\n{config}"),
        );
        let mut command = sandbox.command(&["serve", "--config", "wrong.toml"]);
        if let Some(value) = environment {
            command.env("ENCRYPTION_KEY", value);
        }
        let output = command.output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected) && !said.contains("hunter2"), "{said}");
    }
    let mut command = sandbox.command(&["config", "show", "--config", "wrong.toml"]);
    let shown = command.env("ENCRYPTION_KEY", FIRST).output().unwrap();
    let shown = text(&shown.stdout);
    assert!(
        !shown.contains(FIRST) && shown.contains("key = \"***\""),
        "{shown}"
    );
}
