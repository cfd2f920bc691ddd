//! Tools of other MCP servers in instances: other gateways, and programs.

mod arguments;
mod asked;
mod away;
mod changed;
mod clients;
mod documents;
mod explain;
mod kept;
mod narrowed;
mod oauth;
pub mod offered;
mod output;
mod pin;
pub mod server;
mod stand_ins;
mod tasks;
mod told;

use crate::{
    event_stream::EventStream,
    test_app::{MODERN, TestApp, eventually},
};
use reqwest::Method;
use serde_json::{Value, json};

/// The result of the program's tool: order, unknown members and digits are to come through.
const RESULT: &str = r#""structuredContent":{"z":12345678901234567890123,"a":1.10},"content":[{"type":"text","text":"\u00e9","x-own":[1.0]}],"x-own":{"b":1,"a":2},"_meta":{"own/key":1}"#;

/// A server of 2025-11-25 whose list is in a file; a line `changed` in another file makes it tell of a change.
fn script(tools: &str) -> String {
    format!(
        r#"answer() {{ printf '{{"jsonrpc":"2.0","id":%s,%s}}\n' "$id" "$1"; }}
while IFS= read -r line; do
  id=${{line#*\"id\":}}; id=${{id%%,*}}
  case "$line" in
    *'"method":"server/discover"'*) answer '"error":{{"code":-32601,"message":"Method not found"}}' ;;
    *'"method":"initialize"'*) answer '"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{"listChanged":true}}}},"serverInfo":{{"name":"sh","version":"1"}}}}' ;;
    *'"method":"tools/list"'*) answer "\"result\":{{\"tools\":$(cat {tools})}}" ;;
    *'"name":"wrong"'*) answer '"error":{{"code":-32602,"message":"wrong arguments"}}' ;;
    *'"name":"failing"'*) answer '"error":{{"code":-32000,"message":"no luck"}}' ;;
    *'"name":"slow"'*) printf '{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":%s,"progress":1,"total":2.5,"message":"half"}}}}\n' "$id"; answer '"result":{{{RESULT}}}' ;;
    *'"method":"tools/call"'*) echo "$line" >&2; answer '"result":{{{RESULT}}}' ;;
  esac
done"#
    )
}

struct Program {
    app: TestApp,
    tools: std::path::PathBuf,
}

impl Program {
    async fn start(tools: &Value) -> Self {
        let app = TestApp::with(&[("stdio.allow", "sh")]).await;
        let file = app.directory().join("tools.json");
        std::fs::write(&file, tools.to_string()).unwrap();
        let document = json!({"command": "sh", "args": ["-c", script(file.to_str().unwrap())]});
        app.admin().put("/admin/uds/sh", &document).await.ok();
        let started = Self { app, tools: file };
        started.ready().await;
        started
    }

    async fn ready(&self) {
        ready(&self.app, "sh").await;
    }
}

async fn state(app: &TestApp, id: &str) -> Value {
    let states = app.admin().get("/admin/upstreams").await.data();
    let found = states.as_array().unwrap().iter().find(|state| state["id"] == id);
    found.cloned().unwrap_or_default()
}

async fn ready(app: &TestApp, id: &str) {
    let hub = app.app().hub.clone();
    eventually("the upstream is ready", || {
        let status = hub.status(id);
        status.is_some_and(|status| status.state == mcp_core::upstream::State::Ready)
    })
    .await;
}

fn tool(name: &str) -> Value {
    json!({"name": name, "description": "Of a server.", "inputSchema": {"type": "object"}})
}

#[tokio::test]
async fn an_instance_mixes_tools_with_definitions_and_those_of_servers() {
    let program = Program::start(&json!([tool("b"), tool("a"), tool("c")])).await;
    let app = &program.app;
    app.with_item_tools("shop").await;
    let instance = json!({"name": "Mixed", "include": {"upstreams": ["sh", "later"]}, "exclude": {"tool_ids": ["sh/c"]},
        "tool_ids": ["sh/b", "get_item", {"id": "sh/a", "name": "renamed", "description": "Said here."}]});
    app.admin().put("/admin/ids/mixed", &instance).await.ok();
    assert_eq!(app.mcp("mixed").tool_names().await, ["get_item", "b", "renamed"]);
    let listed = app.mcp("mixed").modern("tools/list", json!({})).await.ok().json();
    assert_eq!(listed["result"]["tools"][2]["description"], "Said here.");
    let result = app.mcp("mixed").call("renamed", json!({"n": 1})).await;
    assert_eq!(result["content"][0]["text"], "é");
    let logs = app.admin().get("/admin/uds/sh/logs").await.data().to_string();
    assert!(
        logs.contains(r#"\"name\":\"a\",\"arguments\":{\"n\":1}"#),
        "the server's own name: {logs}"
    );
}

#[tokio::test]
async fn results_come_through_as_the_bytes_that_they_are_in_both_eras() {
    let program = Program::start(&json!([tool("get"), tool("wrong"), tool("failing")])).await;
    let app = &program.app;
    let instance = json!({"name": "i", "include": {"upstreams": ["sh"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let params = json!({"name": "get", "arguments": {}});
    let modern = app.mcp("i").modern("tools/call", params.clone()).await.ok().text;
    let own = RESULT.strip_suffix(r#","_meta":{"own/key":1}"#).unwrap();
    assert!(
        modern.contains(&format!(
            r#""result":{{{own},"resultType":"complete","_meta":{{"own/key":1,"#
        )),
        "{modern}"
    );
    assert!(
        modern.contains(r#""io.modelcontextprotocol/serverInfo":{"name":"dynmcp-"#),
        "{modern}"
    );
    let legacy = app
        .mcp("i")
        .legacy("2025-11-25", "tools/call", params)
        .await
        .ok()
        .text;
    assert!(legacy.contains(&format!(r#""result":{{{RESULT}}}"#)), "{legacy}");

    let wrong = json!({"name": "wrong", "arguments": {}});
    let wrong = app.mcp("i").modern("tools/call", wrong).await.json();
    assert_eq!(
        (&wrong["error"]["code"], &wrong["error"]["message"]),
        (&json!(-32602), &json!("wrong arguments"))
    );
    let failing = app.mcp("i").call("failing", json!({})).await;
    assert_eq!(failing["isError"], true);
    assert_eq!(
        failing["content"][0]["text"],
        "The upstream `sh` did not do it: the server answered with the error -32000: no luck."
    );
}

#[tokio::test]
async fn progress_reaches_the_client_under_the_name_that_it_gave() {
    let program = Program::start(&json!([tool("slow")])).await;
    let app = &program.app;
    let instance = json!({"name": "i", "include": {"upstreams": ["sh"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let params = json!({"name": "slow", "arguments": {}, "_meta": {"progressToken": "mine"}});
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params});
    let request = app
        .user()
        .request(Method::POST, "/mcp/i")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .body(body.to_string());
    let mut stream = EventStream::open(request).await;
    let told = stream.next().await.unwrap();
    assert_eq!(
        told["params"],
        json!({"progressToken": "mine", "progress": 1, "total": 2.5, "message": "half"})
    );
    let answer = stream.next().await.unwrap();
    assert_eq!(
        (&answer["id"], &answer["result"]["x-own"]),
        (&json!(7), &json!({"b": 1, "a": 2}))
    );
}

#[tokio::test]
async fn names_that_two_tools_would_have_are_given_to_one_of_them() {
    let program = Program::start(&json!([tool("get_item"), tool("own")])).await;
    let app = &program.app;
    app.with_item_tools("shop").await;
    let instance = json!({"name": "i", "tool_ids": ["get_item"], "include": {"upstreams": ["sh"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    assert_eq!(app.mcp("i").tool_names().await, ["get_item", "own"]);
    // A prefix tells them apart, at once for who lists again.
    let mut document = app.admin().get("/admin/uds/sh").await.data();
    document["tools"] = json!({"prefix": "sh", "exclude": ["own"]});
    app.admin().put("/admin/uds/sh", &document).await.ok();
    assert_eq!(app.mcp("i").tool_names().await, ["get_item", "sh_get_item"]);
}

#[tokio::test]
async fn clients_hear_of_a_list_that_changed_and_lists_do_not_wait() {
    let program = Program::start(&json!([tool("first")])).await;
    let app = &program.app;
    let instance = json!({"name": "i", "include": {"upstreams": ["sh"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let request = app
        .user()
        .request(Method::GET, "/mcp/i")
        .header("mcp-protocol-version", "2025-06-18")
        .header("accept", "text/event-stream");
    let mut stream = EventStream::open(request).await;
    std::fs::write(&program.tools, json!([tool("first"), tool("second")]).to_string()).unwrap();
    let refresh = app.admin().request(Method::POST, "/admin/uds/sh/refresh");
    let refreshed = app.admin().send(refresh).await.data();
    assert_eq!(
        (&refreshed["state"], &refreshed["tools"]),
        (&json!("ready"), &json!(2))
    );
    let told = stream.next().await.unwrap();
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(app.mcp("i").tool_names().await, ["first", "second"]);

    // An upstream that never comes costs nothing; one that is switched off takes its tools along.
    let nowhere = json!({"url": "http://127.0.0.1:9/mcp"});
    app.admin().put("/admin/uds/nowhere", &nowhere).await.ok();
    let both = json!({"name": "i", "include": {"upstreams": ["nowhere", "sh"]}});
    app.admin().put("/admin/ids/i", &both).await.ok();
    assert_eq!(app.mcp("i").tool_names().await, ["first", "second"]);
    let mut document = app.admin().get("/admin/uds/sh").await.data();
    document["enabled"] = json!(false);
    app.admin().put("/admin/uds/sh", &document).await.ok();
    assert_eq!(app.mcp("i").tool_names().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_gateway_is_an_upstream_of_another_one_in_either_era() {
    let far = TestApp::start().await;
    let api = far.with_item_tools("shop").await;
    let mut open = far.admin().get("/admin/ids/shop").await.data();
    open["auth"] = json!("none");
    far.admin().put("/admin/ids/shop", &open).await.ok();
    let near = TestApp::start().await;
    for (id, era, protocol) in [("new", "modern", MODERN), ("old", "legacy", "2025-11-25")] {
        let document = json!({"url": far.url("/mcp/shop"), "era": era, "tools": {"prefix": id}});
        near.admin()
            .put(&format!("/admin/uds/{id}"), &document)
            .await
            .ok();
        ready(&near, id).await;
        assert_eq!(state(&near, id).await["protocol"], protocol);
    }
    let instance = json!({"name": "i", "include": {"upstreams": ["old", "new"]}});
    near.admin().put("/admin/ids/i", &instance).await.ok();
    let names = near.mcp("i").tool_names().await;
    assert!(
        names.contains(&"new_get_item".to_owned()) && names.contains(&"old_get_item".to_owned()),
        "{names:?}"
    );
    api.reply_json(200, &json!({"name": "Lamp"}));
    for name in ["new_get_item", "old_get_item"] {
        let result = near.mcp("i").call(name, json!({"id": 7})).await;
        assert_eq!(result["structuredContent"], json!({"name": "Lamp"}), "{result}");
    }
    let checked = near.admin().request(Method::POST, "/admin/uds/new/check");
    assert_eq!(near.admin().send(checked).await.data()["protocol"], MODERN);
    let inventory = near.admin().get("/admin/uds/new/inventory").await.data();
    assert_eq!(inventory["server_info"]["name"], "dynmcp-shop");
}

#[tokio::test]
async fn an_upstream_that_leads_back_to_its_own_gateway_is_found() {
    let app = TestApp::start().await;
    let instance = json!({"name": "i", "auth": "none", "include": {"upstreams": ["self"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let document = json!({"url": app.url("/mcp/i")});
    app.admin().put("/admin/uds/self", &document).await.ok();
    let hub = app.app().hub.clone();
    eventually("the loop is found", || {
        let status = hub.status("self");
        status
            .and_then(|status| status.last_error)
            .is_some_and(|error| error.contains("Loop detected"))
    })
    .await;
    assert_eq!(app.mcp("i").tool_names().await, Vec::<String>::new());
}

#[tokio::test]
async fn programs_are_started_only_where_the_operator_names_them() {
    let app = TestApp::start().await;
    let document = json!({"command": "sh", "args": ["-c", "exit 0"]});
    app.admin().put("/admin/uds/sh", &document).await.ok();
    let restart = app.admin().request(Method::POST, "/admin/uds/sh/restart");
    let refusal = app.admin().send(restart).await.error(502);
    assert!(
        refusal.contains("`stdio.allow` of the gateway's configuration does not name it"),
        "{refusal}"
    );
    assert_eq!(app.admin().get("/admin/uds/none/logs").await.status, 404);
}
