//! `dynmcp pin`: what nobody approved, and the approval, at the command line; and `dynmcp test` of a tool that the server has.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Output};

/// A server whose list is in a file.
fn script(tools: &Path) -> String {
    format!(
        r#"answer() {{ printf '{{"jsonrpc":"2.0","id":%s,%s}}\n' "$id" "$1"; }}
while IFS= read -r line; do
  id=${{line#*\"id\":}}; id=${{id%%,*}}
  case "$line" in
    *'"method":"server/discover"'*) answer '"error":{{"code":-32601,"message":"Method not found"}}' ;;
    *'"method":"initialize"'*) answer '"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"sh","version":"1"}}}}' ;;
    *'"method":"tools/list"'*) answer "\"result\":{{\"tools\":$(cat {})}}" ;;
    *'"method":"tools/call"'*) answer '"result":{{"content":[{{"type":"text","text":"{{\"n\":7}}"}}]}}' ;;
  esac
done"#,
        tools.display()
    )
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), utf8(&output.stdout), utf8(&output.stderr))
}

fn admin(gateway: &Gateway, method: reqwest::Method, path: &str) -> Value {
    let url = format!("{}/admin/{path}", gateway.origin);
    let asked = reqwest::Client::new().request(method, url).bearer_auth(KEY);
    let (status, body) = request(asked).unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

struct Started {
    sandbox: Sandbox,
    gateway: Gateway,
}

impl Started {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let config =
            format!("[app]\napi_key = \"{KEY}\"\ndata_source = \"memory\"\n[stdio]\nallow = [\"sh\"]\n");
        let gateway = Gateway::start(&sandbox, &config);
        let started = Self { sandbox, gateway };
        started.offers(&json!([tool("a", "First."), tool("b", "Second.")]));
        let tools = started.sandbox.path().join("tools.json");
        let overrides =
            json!({"a": {"output": {"jq": "{n: (.n + 1)}"}, "examples": [{"expect": {"jq": ".n == 8"}}]}});
        let document =
            json!({"command": "sh", "args": ["-c", script(&tools)], "tools": {"overrides": overrides}});
        started.gateway.put("uds/sh", &document);
        started.gateway.wait("the program", |gateway| {
            let states = admin(gateway, reqwest::Method::GET, "upstreams");
            states["data"][0]["state"] == "ready"
        });
        started
    }

    fn offers(&self, tools: &Value) {
        fs::write(self.sandbox.path().join("tools.json"), tools.to_string()).unwrap();
    }

    fn refresh(&self) {
        admin(&self.gateway, reqwest::Method::POST, "uds/sh/refresh");
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let target = ["--server", &self.gateway.origin, "--key", KEY];
        text(&self.sandbox.run(&[arguments, &target[..]].concat()))
    }
}

fn tool(name: &str, description: &str) -> Value {
    json!({"name": name, "description": description, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}})
}

#[test]
fn tools_are_looked_at_and_approved() {
    let started = Started::new();
    let (code, stdout, stderr) = started.run(&["pin", "sh"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(
        stdout.starts_with("a (new)\n    + {") && stdout.contains("\nb (new)\n"),
        "{stdout}"
    );
    let (code, stdout, _) = started.run(&["pin", "sh", "--approve", "--mode", "enforce"]);
    assert!(
        code == Some(0) && stdout.ends_with("approved: 2 of sh\n"),
        "{stdout}"
    );
    assert_eq!(
        started.run(&["pin", "sh"]).1,
        "all tools are as they were approved\n"
    );

    // What a server says does not move a terminal's cursor.
    started.offers(&json!([tool("a", "Other.\u{1b}[2J"), tool("c", "Third.")]));
    started.refresh();
    let (code, stdout, _) = started.run(&["pin", "sh"]);
    assert_eq!(code, Some(0));
    let changed =
        "a (changed, held back)\n  /description\n    - First.\n    + Other.\u{fffd}[2J\nc (new, held back)\n";
    assert!(stdout.starts_with(changed), "{stdout}");
    assert!(stdout.ends_with("b (gone)\n"), "{stdout}");
    let (code, stdout, _) = started.run(&["pin", "sh", "--tool", "c", "--approve"]);
    assert!(
        code == Some(0) && stdout.ends_with("approved: 1 of sh\n"),
        "{stdout}"
    );
    let (code, stdout, _) = started.run(&["pin", "sh", "--format", "json"]);
    let drift: Value = serde_json::from_str(&stdout).unwrap();
    let what = |index: usize| (drift[index]["tool"].clone(), drift[index]["what"].clone());
    assert_eq!(
        (code, what(0), what(1)),
        (
            Some(0),
            (json!("a"), json!("changed")),
            (json!("b"), json!("gone"))
        )
    );

    for (arguments, code, expected) in [
        (&["pin", "none"][..], Some(1), "there is no UDS `none`"),
        (&["pin", "sh", "--mode", "off"][..], Some(2), "--approve"),
        (
            &["pin", "sh", "--approve", "--mode", "never"][..],
            Some(2),
            "never",
        ),
    ] {
        let (found, _, stderr) = started.run(arguments);
        assert!(
            found == code && stderr.contains(expected),
            "{arguments:?}: {found:?} {stderr}"
        );
    }
    let (code, _, stderr) = text(&started.sandbox.run(&[
        "pin",
        "sh",
        "--server",
        &started.gateway.origin,
        "--key",
        "wrong-key",
    ]));
    assert!(code == Some(1) && stderr.contains("key"), "{stderr}");
}

#[test]
fn examples_of_a_server_are_run_by_the_gateway() {
    let started = Started::new();
    let (code, stdout, stderr) = started.run(&["test", "--live"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("ok 1 - sh/a examples[0]\n# 1 passed"), "{stdout}");
    let (code, stdout, _) = started.run(&["test", "--tool", "sh/a"]);
    assert!(
        code == Some(0) && stdout.contains("# SKIP has no `mock`"),
        "{stdout}"
    );
}
