//! `dynmcp explain`: on a store, on a file, on a gateway.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::process::Output;

const TOOL: &str = "\
name: get_order
description: Reads an order.
input_schema:
  type: object
  properties: {id: {type: integer}, tags: {type: array, items: {type: string}}, token: {type: string}}
  required: [id]
tds_ext_info:
  domain: http://127.0.0.1:9
  method: GET
  path: /orders/{id}
  params: [{name: tags, in: query, explode: false}]
  headers: {X-Who: '{{ principal.sub }}'}
  auth: {type: bearer, credential: '${env:DYNMCP_SECRET_SHOP}'}
";

const EXPECTED: &str = "\
GET http://127.0.0.1:9/orders/7?tags=a,b%20c
  Host: 127.0.0.1:9
  User-Agent: dynmcp/VERSION
  Accept: application/json, */*;q=0.8
  X-Who: cli
  Via: 1.1 dynmcp-cli
  Authorization: Bearer ***

As a command
curl 'http://127.0.0.1:9/orders/7?tags=a,b%20c' \\
  -H 'User-Agent: dynmcp/VERSION' \\
  -H 'Accept: application/json, */*;q=0.8' \\
  -H 'X-Who: cli' \\
  -H 'Via: 1.1 dynmcp-cli' \\
  -H \"Authorization: Bearer $DYNMCP_SECRET_SHOP\"
  $DYNMCP_SECRET_SHOP  ${env:DYNMCP_SECRET_SHOP}

What went where
  /id           path {id}             7             placeholder {id} of tds_ext_info.path
  /tags         query tags            tags=a,b%20c  params[0] (form)
  (template)    header X-Who          cli           headers.X-Who
  (credential)  header Authorization  Bearer ***    auth

Limits: 15000 ms in all, 2000 ms to connect, 1 MiB out, 8 MiB in, 256 KiB of it for the client; sent once, no redirects
Egress: 127.0.0.1:9 may be called (127.0.0.1)
";

fn explain(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = sandbox.command(&[&["explain"], arguments].concat());
    command
        .env_remove("DYNMCP_KEY")
        .env("DYNMCP_SECRET_SHOP", "hunter2");
    let output = command.output().unwrap();
    let all = [&output.stdout[..], &output.stderr].concat();
    assert!(!String::from_utf8(all).unwrap().contains("hunter2"));
    output
}

fn text(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_stored_tool_and_a_file_are_explained_without_a_gateway() {
    let sandbox = Sandbox::new();
    sandbox.write("store/tds/get_order.yaml", TOOL);
    let config = sandbox.write(
        "x.toml",
        "[app]\ndata_source = \"file\"\n[data_source.file]\npath = \"store\"\n",
    );
    let config = ["--config", config.to_str().unwrap()];
    let arguments = ["id=7", "tags=a", "tags=b c"];
    let expected = EXPECTED.replace("VERSION", env!("CARGO_PKG_VERSION"));
    for tool in [
        "get_order",
        "store/tds/get_order.yaml",
        "store/tds/get_order.yaml#get_order",
    ] {
        let explained = text(explain(&sandbox, &[&[tool], &arguments[..], &config].concat()));
        assert_eq!(explained, (Some(0), expected.clone(), String::new()), "{tool}");
    }
    let (code, json, _) = text(explain(
        &sandbox,
        &[
            "store/tds/get_order.yaml",
            "id=x",
            "--as",
            "ann",
            "--format",
            "json",
        ],
    ));
    assert_eq!(code, Some(0));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["valid"], &json["problems"][0]["path"]),
        (&json!(false), &json!("/id"))
    );
    assert_eq!(json["placements"][1]["written"], "ann");
    assert_eq!(sandbox.files(), ["store"], "a file needs no store");

    let table: &[(&[&str], i32, &str)] = &[
        (
            &["get_ordre"],
            1,
            "there is no TDS `get_ordre`; did you mean `get_order`?",
        ),
        (
            &["orders.yaml"],
            1,
            "there is no TDS `orders.yaml`, and no file of this name",
        ),
        (&["store/tds/nothing.yaml"], 1, "No such file"),
        (&["store/tds/get_order.yaml#x"], 1, "has no tool `x`"),
        (&["get_order", "id"], 2, "`id` is not NAME=VALUE"),
        (
            &["get_order", "id=x", "--send"],
            1,
            "nothing was sent: the arguments do not fit",
        ),
        (
            &["get_order", "--header", "secret"],
            2,
            "--header: write NAME: VALUE",
        ),
        (
            &["get_order", "--instance", "desk"],
            1,
            "instance: there is no IDS `desk`",
        ),
    ];
    for (arguments, expected_code, expected) in table {
        let (code, _, errors) = text(explain(&sandbox, &[arguments, &config[..]].concat()));
        assert_eq!(code, Some(*expected_code), "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
    sandbox.write("bad.yaml", &TOOL.replace("/orders/{id}", "/orders/{nobody}"));
    let (code, _, errors) = text(explain(&sandbox, &["bad.yaml"]));
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("nothing fills the placeholder `nobody`"),
        "{errors}"
    );
}

#[test]
fn a_gateway_explains_and_sends() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(
        &sandbox,
        "[app]\napi_key = \"process-test-key\"\ndata_source = \"memory\"\n",
    );
    let document = json!({
        "name": "alive", "description": "Is it alive?", "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
        "tds_ext_info": {"domain": gateway.origin, "method": "GET", "path": "/healthz"}
    });
    gateway.put("tds/alive", &document);
    let here = ["--server", gateway.origin.as_str(), "--key", KEY];
    let (code, shown, errors) = text(explain(&sandbox, &[&["alive", "n=1"], &here[..]].concat()));
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(
        shown.starts_with(&format!("GET {}/healthz?n=1\n", gateway.origin)),
        "{shown}"
    );
    assert!(!shown.contains("Answer:"), "{shown}");
    let (code, shown, _) = text(explain(&sandbox, &[&["alive", "--send"], &here[..]].concat()));
    assert_eq!(code, Some(0));
    assert!(
        shown.contains("Answer: 200, ") && shown.contains("Result: ok; content "),
        "{shown}"
    );

    sandbox.write("draft.json", &document.to_string().replace("/healthz", "/draft"));
    let (code, shown, _) = text(explain(
        &sandbox,
        &[&["draft.json", "--format", "json"], &here[..]].concat(),
    ));
    assert_eq!(code, Some(0));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["endpoint"], format!("{}/draft", gateway.origin));
    let (code, _, errors) = text(explain(&sandbox, &[&["aliev"], &here[..]].concat()));
    assert_eq!(code, Some(1));
    assert!(errors.contains("there is no TDS `aliev`"), "{errors}");
}

#[test]
fn a_caller_is_given_on_the_command_line() {
    const NEEDY: &str = "\
name: t
description: Needs to know who calls.
input_schema: {}
tds_ext_info:
  domain: http://127.0.0.1:9
  method: GET
  path: /
  headers:
    X-Ops: '{{ \"ops\" in principal.roles }}'
    X-Account: '{{ principal.claims.account }}'
    X-Tenant: '{{ principal.claims.tenant }}/{{ request.headers[\"X-Tenant\"] }}'
";
    let sandbox = Sandbox::new();
    sandbox.write("t.yaml", NEEDY);
    let config = sandbox.write("x.toml", "[templates]\nrequest_headers = [\"X-Tenant\"]\n");
    let config = ["--config", config.to_str().unwrap()];
    let caller = [
        "--role",
        "ops",
        "--claim",
        "account=123456789012345678901234567890",
        "--claim",
        "tenant=acme",
        "--header",
        "X-Tenant: eu",
    ];
    let (code, told, problems) = text(explain(&sandbox, &[&["./t.yaml"], &caller[..], &config].concat()));
    assert_eq!((code, problems.as_str()), (Some(0), ""), "{told}");
    for line in [
        "X-Ops: true",
        "X-Account: 123456789012345678901234567890",
        "X-Tenant: acme/eu",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let (_, told, _) = text(explain(&sandbox, &[&["./t.yaml"], &config[..]].concat()));
    assert!(
        told.contains("This tool needs `principal.claims.account`"),
        "{told}"
    );
    let (code, _, refused) = text(explain(&sandbox, &["./t.yaml"]));
    assert!(
        code == Some(1) && refused.contains("templates.request_headers"),
        "{refused}"
    );
    let (code, _, refused) = text(explain(
        &sandbox,
        &[&["./t.yaml", "--claim", "x"], &config[..]].concat(),
    ));
    assert!(
        code == Some(2) && refused.contains("--claim: write NAME=VALUE"),
        "{refused}"
    );
}
