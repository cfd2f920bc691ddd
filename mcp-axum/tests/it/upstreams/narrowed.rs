//! Keys that show only some of what other servers offer.

use super::offered::{server, with};
use crate::test_app::{Client, McpClient, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

/// Speaks to the instance with a key of its own.
async fn holder(app: &TestApp, wanted: Value) -> McpClient {
    let admin = app.admin();
    let made = admin
        .send(admin.request(Method::POST, "/admin/keys").json(&wanted))
        .await;
    let key = made.ok().data()["key"].as_str().unwrap().to_owned();
    McpClient::new(Client::new(app.address(), Some(key)), "i")
}

async fn listed(client: &McpClient, method: &str, member: &str, name: &str) -> Vec<String> {
    let list = client.modern(method, json!({})).await.ok().json();
    let entries = list["result"][member]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"));
    entries
        .iter()
        .map(|entry| entry[name].as_str().unwrap().to_owned())
        .collect()
}

fn views_built(app: &TestApp) -> u64 {
    let metrics = app.metrics();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("dynmcp_views_built_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_of_other_servers_a_key_does_not_show_is_not_there() {
    let app = TestApp::start().await;
    let offering = server(true).await;
    with(&app, "u", &offering, &json!({})).await;
    let instance = json!({"name": "i", "include": {"upstreams": ["u"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let all = app.mcp("i");
    assert_eq!(
        listed(&all, "resources/list", "resources", "uri").await,
        ["test://a", "test://b"]
    );
    let wanted = json!({
        "instances": ["i"], "tools": ["x*"], "prompts": [], "resources": ["test://a", "test://item/1"],
    });
    let some = holder(&app, wanted).await;
    assert_eq!(some.tool_names().await, Vec::<String>::new());
    assert_eq!(
        listed(&some, "resources/list", "resources", "uri").await,
        ["test://a"]
    );
    let templates = listed(
        &some,
        "resources/templates/list",
        "resourceTemplates",
        "uriTemplate",
    )
    .await;
    assert_eq!(templates, Vec::<String>::new());
    assert_eq!(
        listed(&some, "prompts/list", "prompts", "name").await,
        Vec::<String>::new()
    );
    let asked = |client: &McpClient, method: &'static str, params: Value| {
        let client = client.clone();
        async move { client.modern(method, params).await.json() }
    };
    for (method, params, shown) in [
        ("tools/call", json!({"name": "t", "arguments": {}}), false),
        ("prompts/get", json!({"name": "ask"}), false),
        ("resources/read", json!({"uri": "test://a"}), true),
        ("resources/read", json!({"uri": "test://item/1"}), true),
        ("resources/read", json!({"uri": "test://b"}), false),
        ("resources/read", json!({"uri": "test://item/2"}), false),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "ask"}, "argument": {"name": "n", "value": ""}}),
            false,
        ),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/resource", "uri": "test://item/{id}"}, "argument": {"name": "id", "value": ""}}),
            false,
        ),
    ] {
        let before = offering.received(method).len();
        let answer = asked(&some, method, params.clone()).await;
        assert_eq!(answer["error"].is_null(), shown, "{method} {params}: {answer}");
        let sent = offering.received(method).len() - before;
        assert_eq!(sent, usize::from(shown), "{method} {params}");
        asked(&all, method, params).await;
        assert_eq!(
            offering.received(method).len() - before,
            sent + 1,
            "the whole instance has it"
        );
    }
}

#[tokio::test]
async fn a_narrowed_view_is_made_once_whatever_other_upstreams_do() {
    let app = TestApp::start().await;
    let (one, other) = (server(true).await, server(true).await);
    with(&app, "u", &one, &json!({})).await;
    let instance = json!({"name": "i", "include": {"upstreams": ["u"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let client = holder(&app, json!({"instances": ["i"], "tools": ["t"]})).await;
    app.mcp("i").tool_names().await;
    with(&app, "v", &other, &json!({})).await;
    assert_eq!(client.tool_names().await, ["t"]);
    let before = views_built(&app);
    for _ in 0..3 {
        assert_eq!(client.tool_names().await, ["t"]);
    }
    assert_eq!(views_built(&app), before);
}
