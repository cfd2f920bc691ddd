//! `dynmcp verify`: what is stored can be used, and does what its examples say.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};

fn run(sandbox: &Sandbox, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = sandbox
        .command(&[&["verify"], arguments].concat())
        .args(["--config", "cli.toml"])
        .env("DYNMCP_KEY", KEY)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn tool(jq: &str) -> Value {
    json!({"name": "get_order", "description": "Reads an order.", "input_schema": {},
        "tds_ext_info": {"domain": "http://127.0.0.1:9", "method": "GET", "path": "/orders"},
        "examples": [{"arguments": {}, "mock": {"body": {"id": 7}}, "expect": {"jq": jq}}]})
}

/// Definitions in files, which anybody may have edited.
fn stored(sandbox: &Sandbox) {
    sandbox.write(
        "definitions/tds/get_order.json",
        &with_id("get_order", tool(".id == 7")),
    );
    sandbox.write(
        "definitions/ids/desk.json",
        &with_id("desk", json!({"name": "Desk", "tool_ids": ["get_order"]})),
    );
    let source = "data_source = 'file'\n[data_source.file]\npath = 'definitions'\n";
    sandbox.write("cli.toml", &format!("[app]\napi_key = '{KEY}'\n{source}"));
}

fn with_id(id: &str, mut document: Value) -> String {
    document["id"] = id.into();
    document.to_string()
}

#[test]
fn what_is_stored_can_be_used_or_is_named_here_and_from_afar() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    let config = sandbox.read("cli.toml");
    let gateway = Gateway::start(&sandbox, &config);
    let afar = ["--server", gateway.origin.as_str()];
    let both = |arguments: &[&str]| {
        let here = run(&sandbox, arguments);
        let there = run(&sandbox, &[arguments, &afar].concat());
        assert_eq!((here.0, &here.1), (there.0, &there.1), "{} {}", here.2, there.2);
        here
    };
    let (code, said, errors) = both(&[]);
    assert_eq!(
        (code, said.as_str(), errors.as_str()),
        (Some(0), "ids 1, tds 1: nothing that cannot be used\n", "")
    );
    let (code, said, _) = both(&["--examples"]);
    assert_eq!(code, Some(0));
    assert!(
        said.ends_with("examples: 1 passed, 0 failed, 0 skipped\n"),
        "{said}"
    );
    let (code, said, _) = both(&["instances", "desk"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "ids 1: nothing that cannot be used\n")
    );
    let (code, _, errors) = both(&["tools", "get_ordre"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("did you mean `get_order`?"), "{errors}");
    assert_eq!(run(&sandbox, &["things"]).0, Some(2));

    // One that does something else than it says, and one that is none.
    sandbox.write(
        "definitions/tds/get_order.json",
        &with_id("get_order", tool(".id == 8")),
    );
    sandbox.write(
        "definitions/tds/odd.json",
        &with_id(
            "odd",
            json!({"name": "a b", "description": "d", "input_schema": {},
        "tds_ext_info": {"domain": "http://127.0.0.1:9", "method": "GET", "path": "/"}}),
        ),
    );
    gateway.wait("the file is read", |gateway| {
        let asked = reqwest::Client::new()
            .get(format!("{}/admin/quarantine", gateway.origin))
            .bearer_auth(KEY);
        super::gateway::request(asked).is_some_and(|(_, body)| body.contains("\"odd\""))
    });
    let (code, said, errors) = run(&sandbox, &["--examples"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("odd") && said.contains("name: has the character ' '"),
        "{said}"
    );
    assert!(
        said.contains("  get_order examples[0]: jq: `.id == 8` gives false"),
        "{said}"
    );
    assert_eq!(errors, "dynmcp: 1 cannot be used, 1 examples failed\n");
    let (code, found, _) = run(
        &sandbox,
        &[&["--examples", "--format", "json"], &afar[..]].concat(),
    );
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!(
        (
            &found["unusable"][0]["id"],
            &found["unusable"][0]["kind"],
            &found["examples"]["failed"],
            &found["checked"]["ids"]
        ),
        (&json!("odd"), &json!("TDS"), &json!(1), &json!(1))
    );
    // What is not asked about is not said.
    let (code, said, _) = both(&["instances", "--examples"]);
    assert_eq!(
        (code, said.as_str()),
        (
            Some(0),
            "ids 1: nothing that cannot be used\nexamples: 0 passed, 0 failed, 0 skipped\n"
        )
    );
    let (code, ..) = both(&["tools", "get_order"]);
    assert_eq!(code, Some(0));
}
