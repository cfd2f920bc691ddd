//! `dynmcp demo`: what it prints is true.
#![cfg(unix)]

use super::{Gateway, Sandbox, gateway::request};
use serde_json::{Value, json};

#[test]
fn the_aggregate_demo_calls_a_tool_of_each_server() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["demo", "--aggregate", "--port", "0"]);
    // A clock that somebody has installed is another one.
    command.env("PATH", "/usr/bin:/bin");
    let mut demo = Gateway::spawn(&sandbox, command);
    demo.wait("the end of the report", |demo| {
        demo.output().contains("Ctrl-C ends the demo")
    });
    let report = demo.output();
    for expected in [
        "Ada Lovelace",
        r#"tools/call {"name":"clock_current_time","arguments":{}}"#,
        "Z\n",
        "An MCP server, or an API, that a gateway is a client of.",
        "/mcp/desk",
    ] {
        assert!(report.contains(expected), "`{expected}` is missing:\n{report}");
    }
    demo.signal("INT");
    assert_eq!(demo.exit_code(), Some(0), "{}", demo.output());
}

#[test]
fn the_demo_calls_a_tool_and_what_it_prints_can_be_used() {
    let sandbox = Sandbox::new();
    // Of somebody who runs it where a gateway's configuration is: it is none of the demo's.
    for file in ["development.toml", "config/development.toml"] {
        sandbox.write(file, "[app]\ndata_source = \"nowhere\"\n");
    }
    let mut demo = Gateway::spawn(&sandbox, sandbox.command(&["demo", "--port", "0"]));
    demo.wait("the end of the report", |demo| {
        demo.output().contains("Ctrl-C ends the demo")
    });
    let report = demo.output();
    assert!(
        report.contains("Ada Lovelace"),
        "the answer of the call is missing:\n{report}"
    );

    // The admin's key stands in none of them.
    let admin_key = report.split("Admin key    ").nth(1).unwrap();
    let admin_key = admin_key.split_whitespace().next().unwrap();
    assert_eq!(report.matches(admin_key).count(), 1, "{report}");
    let snippet = &report[report.find("VS Code").unwrap()..];
    let snippet = &snippet[snippet.find('{').unwrap()..];
    let snippet: Value = serde_json::Deserializer::from_str(snippet)
        .into_iter()
        .next()
        .unwrap()
        .unwrap();
    let server = &snippet["servers"]["dynmcp-demo"];
    assert_eq!(server["type"], "http");
    let call = |name: &str, arguments: Value| {
        let params = json!({"name": name, "arguments": arguments});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let call = reqwest::Client::new()
            .post(server["url"].as_str().unwrap())
            .header(
                "authorization",
                server["headers"]["Authorization"].as_str().unwrap(),
            )
            .json(&message);
        let (_, body) = request(call).unwrap();
        serde_json::from_str::<Value>(&body).unwrap()["result"].take()
    };
    let url = server["url"].as_str().unwrap();
    let admin = url.replace("/mcp/demo", "/admin/tds");
    let key = server["headers"]["Authorization"].as_str().unwrap();
    let refused = request(reqwest::Client::new().get(admin).header("authorization", key)).unwrap();
    assert_eq!(refused.0, 403, "{}", refused.1);
    let created = call(
        "create_order",
        json!({"customer": "Me", "items": [{"sku": "cup-blue", "quantity": 3}]}),
    );
    assert_eq!(created["structuredContent"]["total_cents"], 3600, "{created}");
    let found = call("search_orders", json!({"q": "me"}));
    assert_eq!(
        found["structuredContent"]["orders"][0]["customer"], "Me",
        "{found}"
    );
    assert_eq!(
        call("list_orders", json!({"status": "paid"}))["structuredContent"]["orders"][0]["id"],
        "1003"
    );
    assert!(
        call("get_receipt", json!({"id": "1002"}))["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("49.00 EUR")
    );
    assert_eq!(
        call("product_photo", json!({"sku": "cup-blue"}))["content"][0]["mimeType"],
        "image/png"
    );
    assert_eq!(call("play_doorbell", json!({}))["content"][0]["type"], "audio");
    assert_eq!(
        call("wait", json!({"ms": 1}))["structuredContent"]["waited_ms"],
        1
    );
    let trouble = call("make_trouble", json!({"status": 503}));
    assert_eq!(trouble["isError"], true, "{trouble}");

    assert_eq!(sandbox.files(), ["config", "data"]);
    demo.signal("INT");
    assert_eq!(demo.exit_code(), Some(0), "{}", demo.output());
}
