//! `dynmcp call`: a tool as an MCP client calls it.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};

/// A gateway whose tools call the gateway itself.
fn with_tools(sandbox: &Sandbox) -> Gateway {
    let gateway = Gateway::start(
        sandbox,
        "[app]\napi_key = \"process-test-key\"\ndata_source = \"memory\"\n",
    );
    let tool = |name: &str, path: &str, schema: Value| {
        json!({
            "name": name, "description": format!("Reads {path}.\nMore of it."), "input_schema": schema,
            "tds_ext_info": {"domain": gateway.origin, "method": "GET", "path": path, "response": {"max_bytes": "2MiB"}}
        })
    };
    let mirrored = json!({"type": "object", "properties": {
        "id": {"type": "integer", "x-mcp-header": "Id"}, "q": {"type": "string", "x-mcp-header": "Q"}
    }, "required": ["id"]});
    gateway.put("tds/get_page", &tool("get_page", "/nothing/{id}", mirrored));
    gateway.put("tds/get_api", &tool("get_api", "/admin/openapi.json", json!({})));
    gateway.put(
        "ids/desk",
        &json!({"name": "Desk", "tool_ids": ["get_page", "get_api"]}),
    );
    gateway
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = sandbox
        .command(arguments)
        .env_remove("DYNMCP_KEY")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn tools_are_listed_and_called() {
    let sandbox = Sandbox::new();
    let gateway = with_tools(&sandbox);
    let here = ["--server", gateway.origin.as_str(), "--key", KEY];
    let call = |arguments: &[&str]| run(&sandbox, &[&["call", "desk"], arguments, &here].concat());

    let (code, listed, _) = call(&[]);
    assert_eq!(code, Some(0));
    assert_eq!(
        listed,
        "get_page id [q]\n    Reads /nothing/{id}. …\nget_api\n    Reads /admin/openapi.json. …\n"
    );
    let (_, listed, _) = call(&["--format", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["inputSchema"]["required"], json!(["id"]));

    let (code, text, errors) = call(&["get_api"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let api: Value = serde_json::from_str(&text).unwrap();
    assert!(api["paths"]["/admin/tds/{id}/explain"].is_object());
    let (code, result, _) = call(&["get_api", "--format", "json"]);
    assert_eq!(code, Some(0));
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(
        (&result["isError"], &result["content"][0]["type"]),
        (&json!(false), &json!("text"))
    );

    // Mirrored headers go along, encoded where they have to be.
    let (code, text, errors) = call(&["get_page", "id=7", "q= it's ü\n"]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("HTTP 404 Not Found\n"), "{text}");
    assert_eq!(errors, "dynmcp: the tool reports an error\n");
    let (code, text, _) = call(&["get_page", "id=seven"]);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("/id: \"seven\" is not of type \"integer\""),
        "{text}"
    );
}

#[test]
fn what_cannot_be_called_is_said_with_what_was_meant() {
    let sandbox = Sandbox::new();
    let gateway = with_tools(&sandbox);
    let server = gateway.origin.as_str();
    let table: &[(&[&str], i32, &str)] = &[
        (
            &["desk", "get_pgae", "--key", KEY],
            1,
            "desk has no tool `get_pgae`; did you mean `get_page`",
        ),
        (
            &["dsek", "--key", KEY],
            1,
            "no instance is called `dsek`; did you mean `desk`?",
        ),
        (&["desk"], 1, "give one with --key or DYNMCP_KEY"),
        (
            &["desk", "get_page", "id", "--key", KEY],
            2,
            "`id` is not NAME=VALUE",
        ),
        (&["desk", "get_page", "id:=x", "--key", KEY], 2, "id: not JSON"),
        (&["desk", "--key", "a\nb"], 2, "--key"),
    ];
    for (arguments, expected_code, expected) in table {
        let (code, text, errors) = run(&sandbox, &[&["call"], *arguments, &["--server", server]].concat());
        assert_eq!(
            (code, text.as_str()),
            (Some(*expected_code), ""),
            "{arguments:?} {errors}"
        );
        assert!(errors.contains(expected), "{errors}");
    }
    let (code, _, errors) = run(
        &sandbox,
        &["call", "desk", "--server", "http://127.0.0.1:9", "--key", KEY],
    );
    assert_eq!(code, Some(1));
    assert!(errors.contains("http://127.0.0.1:9"), "{errors}");
}
