//! `dynmcp roles` and `dynmcp access`, on the store beside a running gateway and through its admin API.

use super::{Gateway, KEY, Sandbox};
use serde_json::json;

const ROLE: &str = "\
id: support-agent
description: What support may do
allow:
  - {actions: [tools/call], instances: [desk], tools: [refund], when: \"args.amount < 1000\"}
";

fn lives(remote: bool) {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
    let tool = json!({
        "name": "refund", "description": "Pays it back.",
        "input_schema": {"type": "object", "properties": {"amount": {"type": "integer"}}},
        "static": {"content": [{"type": "text", "text": "done"}]},
    });
    gateway.put("tds/refund", &tool);
    gateway.put("ids/desk", &json!({"name": "Desk", "tool_ids": ["refund"]}));
    let port = gateway.origin.rsplit_once(':').unwrap().1;
    sandbox.write("cli.toml", &format!("[app]\nport = {port}\napi_key = '{KEY}'\n"));
    sandbox.write("role.yaml", ROLE);
    sandbox.write("wrong.yaml", &ROLE.replace("tools/call", "tools/cal"));
    sandbox.write("tool.yaml", "name: t\ndescription: d\nstatic: {content: []}\n");
    let run = |arguments: &[&str], is_remote: bool| {
        let mut command = sandbox.command(arguments);
        command.env_remove("DYNMCP_KEY");
        match is_remote {
            true => command.args(["--server", &gateway.origin, "--key", KEY]),
            false => command.args(["--config", "cli.toml"]),
        };
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let fine = |arguments: &[&str]| {
        let (code, out, said) = run(arguments, remote);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        out
    };
    let refused = |arguments: &[&str], expected: &str| {
        let (code, _, said) = run(arguments, remote);
        assert_ne!(code, Some(0), "{arguments:?}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    };
    assert!(fine(&["roles", "list"]).starts_with("no roles in the store"));
    refused(
        &["roles", "put", "wrong.yaml"],
        "wrong.yaml: allow[0].actions[0]: `tools/cal` is nothing that is done",
    );
    refused(&["roles", "put", "tool.yaml"], "is no role");
    assert_eq!(fine(&["roles", "put", "role.yaml"]), "created support-agent\n");
    assert_eq!(fine(&["roles", "put", "role.yaml"]), "replaced support-agent\n");
    let list = fine(&["roles", "list"]);
    assert!(
        list.contains("support-agent") && list.contains("What support may do"),
        "{list}"
    );
    assert!(fine(&["roles", "show", "support-agent"]).contains("args.amount < 1000"));
    refused(&["roles", "show", "viewer"], "is always there");
    let (_, _, said) = run(
        &["keys", "create", "--name", "claude", "--role", "support-agent"],
        remote,
    );
    assert!(!said.contains("there is no role"), "{said}");
    let (code, _, said) = run(
        &["keys", "create", "--name", "bob", "--role", "suport-agent"],
        remote,
    );
    assert!(
        code == Some(0) && said.contains("note: roles[0]: there is no role `suport-agent`"),
        "{said}"
    );

    // About a running gateway, whichever way the rest goes.
    let explain = |amount: &str, code: i32| {
        let arguments = [
            "access",
            "explain",
            "claude",
            "desk",
            "refund",
            amount,
            "--server",
            &gateway.origin,
            "--key",
            KEY,
        ];
        let output = sandbox.command(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let allowed = explain("amount=5", 0);
    assert!(
        allowed.contains("instance desk: open; lists refund; 0 hidden"),
        "{allowed}"
    );
    assert!(
        allowed.contains("call of refund: allowed by role `support-agent`, allow[0]"),
        "{allowed}"
    );
    let not_allowed = explain("amount=2000", 1);
    assert!(
        not_allowed.contains("call of refund: not allowed: ") && not_allowed.contains("args.amount < 1000"),
        "{not_allowed}"
    );

    refused(&["roles", "delete", "support-agent"], "add --confirm");
    assert_eq!(
        fine(&["roles", "delete", "support-agent", "--confirm"]),
        "deleted support-agent\n"
    );
    refused(
        &["roles", "delete", "support-agent", "--confirm"],
        "there is no role `support-agent`",
    );
    assert!(explain("amount=5", 1).contains("instance desk: not open"));
}

#[test]
fn roles_live_in_the_store_beside_a_running_gateway() {
    lives(false);
}

#[test]
fn roles_live_behind_the_admin_api() {
    lives(true);
}
