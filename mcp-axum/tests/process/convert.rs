//! `dynmcp config convert`: between formats, and out of an aggregator's file.

use super::{Gateway, Sandbox};
use serde_json::{Value, json};
use std::{fs, process::Output};

const YAML: &str = r#"
# Whatever stands here.
version: "1.0"
server: {host: 127.0.0.1, port: 8080, request_timeout: 30s}
servers:
  - {id: search, name: Search, transport: {type: http, url: "http://127.0.0.1:9/mcp", headers: {X-Team: t}}, weight: 100, health_check: {enabled: true}}
  - {id: tools, transport: stdio, command: [uvx], args: [tool], env: {KEY: "${TOOL_KEY}"}}
auth: {enabled: true, api_key: {keys: [{key: "${TEAM_KEY}", name: team, roles: [admin]}]}}
empty: ~
odd: ["yes", "no", "1.0", 1.5, true, "a: b", "line\nbreak", ""]
"#;

fn convert(sandbox: &Sandbox, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = sandbox
        .command(&[&["config", "convert"], arguments].concat())
        .env("TEAM_KEY", "0123456789abcdef-team")
        .env("TOOL_KEY", "fedcba9876543210-tool")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn one_format_becomes_the_other_and_back() {
    let sandbox = Sandbox::new();
    sandbox.write("a.yaml", YAML);
    let (code, toml, errors) = convert(&sandbox, &["a.yaml", "--to", "toml"]);
    assert_eq!(
        (code, errors.as_str()),
        (Some(0), "note: comments are not kept\n")
    );
    let said: toml::Table = toml.parse().unwrap();
    let said: Value = serde_json::to_value(said).unwrap();
    assert_eq!(
        said["servers"][1]["env"]["KEY"], "${TOOL_KEY}",
        "variables stay what they are"
    );
    assert_eq!(
        said["odd"],
        json!(["yes", "no", "1.0", 1.5, true, "a: b", "line\nbreak", ""])
    );
    assert!(said.get("empty").is_none());

    sandbox.write("b.toml", &toml);
    let (code, said, _) = convert(&sandbox, &["b.toml", "--to", "yaml", "-o", "c.yaml"]);
    assert_eq!((code, said.as_str()), (Some(0), "wrote c.yaml\n"));
    let (_, again, _) = convert(&sandbox, &["c.yaml", "--to", "toml"]);
    assert_eq!(again, toml);
    // What the gateway makes of them is the same, too.
    let shown = |file: &str| {
        let shown = sandbox
            .command(&["config", "show", "--config", file])
            .env("TEAM_KEY", "0123456789abcdef-team")
            .output()
            .unwrap();
        assert!(
            shown.status.success(),
            "{}",
            String::from_utf8_lossy(&shown.stderr)
        );
        String::from_utf8(shown.stdout)
            .unwrap()
            .parse::<toml::Table>()
            .unwrap()
    };
    assert_eq!(shown("a.yaml"), shown("b.toml"));
    assert_eq!(shown("a.yaml"), shown("c.yaml"));

    // The gateway's own, by --config.
    sandbox.write(
        "own.toml",
        "[app]\nport = 1234 # here\n[[webhooks]]\nurl = 'https://example.com'\n",
    );
    let (code, yaml, errors) = convert(&sandbox, &["--to", "yaml", "--config", "own.toml"]);
    assert_eq!(code, Some(0));
    assert!(yaml.contains("port: 1234") && !yaml.contains("here"), "{yaml}");
    assert!(
        errors.contains("the gateway reads its own configuration as TOML"),
        "{errors}"
    );
}

#[cfg(unix)]
#[test]
fn an_aggregator_becomes_a_gateway_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.write("a.yaml", YAML);
    let (code, said, errors) = convert(&sandbox, &["a.yaml", "--to", "dynmcp", "-o", "gateway"]);
    assert_eq!(
        (code, said.as_str()),
        (
            Some(0),
            "wrote gateway/dynmcp.toml and 3 definitions below gateway/definitions; start with `dynmcp serve --config gateway/dynmcp.toml`\n"
        ),
        "{errors}"
    );
    assert!(
        errors.contains("note: odd: there is no such key; it has no effect"),
        "{errors}"
    );
    let text = sandbox.read("gateway/dynmcp.toml");
    let written: toml::Table = text.parse().unwrap();
    let definitions = written["data_source"]["file"]["path"].as_str().unwrap();
    assert_eq!(
        fs::canonicalize(definitions).unwrap(),
        fs::canonicalize(sandbox.path().join("gateway/definitions")).unwrap(),
        "wherever it is started"
    );
    assert!(std::path::Path::new(definitions).is_absolute(), "{definitions}");
    let mode = fs::metadata(sandbox.path().join("gateway/dynmcp.toml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let document = |path: &str| {
        serde_json::from_str::<Value>(&sandbox.read(&format!("gateway/definitions/{path}"))).unwrap()
    };
    assert_eq!(
        document("uds/tools.json")["env"],
        json!({"KEY": "${env:TOOL_KEY}"})
    );
    assert_eq!(
        document("uds/search.json")["endpoints"],
        json!([{"url": "http://127.0.0.1:9/mcp"}])
    );
    assert_eq!(document("uds/search.json")["health"], json!({"enabled": true}));
    assert_eq!(
        document("ids/only1mcp.json")["include"],
        json!({"upstreams": ["search", "tools"]})
    );
    for secret in ["0123456789abcdef-team", "fedcba9876543210-tool"] {
        assert!(
            !text.contains(secret) && !document("uds/tools.json").to_string().contains(secret),
            "{text}"
        );
    }

    // It starts, serves them, and knows the key that it has the hash of.
    let mut command = sandbox.command(&["serve", "--config", "gateway/dynmcp.toml"]);
    command.env("APP__APP__PORT", "0");
    let gateway = Gateway::spawn_until_ready(&sandbox, command);
    let asked = reqwest::Client::new()
        .get(format!("{}/admin/uds", gateway.origin))
        .bearer_auth("0123456789abcdef-team");
    let (status, body) = super::gateway::request(asked).unwrap();
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains("\"search\"") && body.contains("\"tools\""),
        "{body}"
    );
}

#[test]
fn what_cannot_be_converted_is_said_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("a.yaml", YAML);
    sandbox.write("own.toml", "[app]\nport = 1234\n");
    sandbox.write("broken.yaml", "servers: [[[");
    sandbox.write(
        "wrong.yaml",
        "servers: [{id: a, transport: {type: pigeon}}, {id: b, transport: {type: http}}]",
    );
    sandbox.write(
        "secret.yaml",
        "servers: [{id: a, transport: {type: http, url: 'http://x.example/${TEAM_KEY}'}}]",
    );
    sandbox.write(
        "short.yaml",
        "servers: []\nauth: {enabled: true, api_key: {keys: [{key: abc, name: n}]}}",
    );
    sandbox.write("null.toml", "a = ");
    sandbox.write("nan.toml", "a = [nan]");
    let new = ["--to", "dynmcp", "-o", "new"];
    let table: &[(&str, &[&str], i32, &str)] = &[
        (
            "none.yaml",
            &["--to", "toml"],
            2,
            "there is no configuration file none.yaml",
        ),
        ("broken.yaml", &["--to", "toml"], 2, "broken.yaml:2: not YAML"),
        ("null.toml", &["--to", "yaml"], 2, "null.toml:1: "),
        (
            "own.toml",
            &new,
            2,
            "own.toml: is a configuration of this gateway already",
        ),
        (
            "wrong.yaml",
            &new,
            2,
            "servers[0].transport.type: `pigeon` is no transport",
        ),
        ("wrong.yaml", &new, 2, "servers[1].transport.url: is missing"),
        (
            "secret.yaml",
            &new,
            2,
            "${TEAM_KEY}: what this variable says would stand in a file",
        ),
        (
            "short.yaml",
            &new,
            2,
            "auth.api_key.keys[0].key: has 3 characters",
        ),
        ("a.yaml", &["--to", "dynmcp"], 2, "--output"),
        ("a.yaml", &["--to", "toml", "-o", "own.toml"], 1, "own.toml: "),
        (
            "a.yaml",
            &["--to", "dynmcp", "-o", "."],
            1,
            "is not empty; it is left as it is",
        ),
        ("a.yaml", &["--to", "xml"], 2, "invalid value 'xml'"),
    ];
    for (file, arguments, expected, reason) in table {
        let (code, said, errors) = convert(&sandbox, &[&[*file], *arguments].concat());
        assert_eq!(
            (code, said.as_str()),
            (Some(*expected), ""),
            "{file} {arguments:?} {errors}"
        );
        assert!(errors.contains(reason), "{file} {arguments:?}: {errors}");
    }
    assert!(!sandbox.path().join("new").exists());
    assert_eq!(sandbox.read("own.toml"), "[app]\nport = 1234\n");
}
