//! Limits of tools, instances, upstreams and the whole gateway: all callers together have them, whoever they are.

use super::{create, holder};
use crate::{
    fleet,
    servers::redis::RedisServer,
    test_app::{Answer, Client, McpClient, Reply, TestApp, eventually},
    upstreams::offered,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, time::Duration};

fn static_tool(limits: &Value) -> Value {
    let mut tool = json!({
        "name": "echo", "description": "Says its name.", "input_schema": {"type": "object"},
        "static": {"content": [{"type": "text", "text": "echo"}]},
    });
    if !limits.is_null() {
        tool["limits"] = limits.clone();
    }
    tool
}

fn instance(limits: &Value) -> Value {
    let mut instance = json!({"name": "An instance", "tool_ids": ["echo", "free"]});
    if !limits.is_null() {
        instance["limits"] = limits.clone();
    }
    instance
}

/// The tools `echo` and `free` in the instances `one` and `two`, and whoever calls: the holder of a key, and a configured key.
async fn gateway(app: &TestApp, of_tool: &Value, of_instance: &Value) -> [McpClient; 2] {
    app.admin()
        .put("/admin/tds/echo", &static_tool(of_tool))
        .await
        .ok();
    let mut free = static_tool(&Value::Null);
    free["name"] = json!("free");
    app.admin().put("/admin/tds/free", &free).await.ok();
    app.admin()
        .put("/admin/ids/one", &instance(of_instance))
        .await
        .ok();
    app.admin()
        .put("/admin/ids/two", &instance(&Value::Null))
        .await
        .ok();
    let (_, key) = create(app, json!({"instances": ["*"]})).await;
    [McpClient::new(holder(app, &key), "one"), app.mcp("one")]
}

async fn call(client: &McpClient, tool: &str) -> Answer {
    client
        .modern("tools/call", json!({"name": tool, "arguments": {}}))
        .await
}

/// Whose limit it is and which one, as everybody is told.
#[track_caller]
fn refused(answer: &Answer, limit: &str) {
    assert_eq!(answer.status, 429, "{}", answer.text);
    let error = answer.json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("all callers together may") && message.contains(limit),
        "{message}"
    );
    assert!(
        error["data"]["retryAfterSeconds"].as_f64().unwrap() > 0.0,
        "{error}"
    );
    assert!(answer.header("retry-after").is_some());
}

fn counted(app: &TestApp, line: &str) {
    let metrics = app.metrics();
    let expected = format!("dynmcp_limit_refusals_total{{{line}");
    assert!(
        metrics.lines().any(|line| line.starts_with(&expected)),
        "{expected}: {metrics}"
    );
}

#[tokio::test]
async fn a_tool_has_one_limit_for_all_callers_in_all_instances() {
    let app = TestApp::start().await;
    let [stored, configured] = gateway(&app, &json!({"rate": "3/h"}), &Value::Null).await;
    let elsewhere = app.mcp("two");
    for (caller, left) in [(&stored, 2), (&configured, 1), (&elsewhere, 0)] {
        let answer = call(caller, "echo").await.ok();
        assert_eq!(answer.header("ratelimit-policy"), Some("\"rate\";q=3;w=3600"));
        let said = answer.header("ratelimit").unwrap();
        assert!(said.starts_with(&format!("\"rate\";r={left};t=")), "{said}");
    }
    for caller in [&stored, &configured, &elsewhere] {
        refused(
            &call(caller, "echo").await,
            "3/h calls (`limits.rate` of the tool `echo`)",
        );
    }
    // Whoever programs without MCP, and whoever speaks an older revision, has the same.
    let rest = app.user();
    let answer = rest
        .send(
            rest.request(Method::POST, "/instances/two/tools/echo")
                .json(&json!({})),
        )
        .await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    let old = configured
        .legacy(
            "2025-11-25",
            "tools/call",
            json!({"name": "echo", "arguments": {}}),
        )
        .await;
    refused(&old, "of the tool `echo`");
    call(&configured, "free").await.ok();
    counted(
        &app,
        r#"limit="rate",scope="tool",place="the tool `echo`",key="""#,
    );
    // Another limit holds from the next call on.
    app.admin()
        .put("/admin/tds/echo", &static_tool(&json!({"per_day": 1})))
        .await
        .ok();
    call(&stored, "echo").await.ok();
    refused(
        &call(&elsewhere, "echo").await,
        "1 calls a day, UTC (`limits.per_day` of the tool `echo`)",
    );
    app.admin()
        .put("/admin/tds/echo", &static_tool(&Value::Null))
        .await
        .ok();
    assert_eq!(call(&elsewhere, "echo").await.ok().header("ratelimit"), None);
}

#[tokio::test]
async fn an_instance_has_one_for_whatever_is_called_through_it_also_by_nobody() {
    let app = TestApp::start().await;
    let [stored, configured] = gateway(&app, &Value::Null, &json!({"per_day": 3})).await;
    let mut open = instance(&json!({"per_day": 3}));
    open["auth"] = json!("none");
    app.admin().put("/admin/ids/one", &open).await.ok();
    let nobody = McpClient::new(Client::new(app.address(), None), "one");
    call(&nobody, "free").await.ok();
    call(&stored, "echo").await.ok();
    call(&configured, "echo").await.ok();
    for client in [&nobody, &stored, &configured] {
        let answer = call(client, "free").await;
        refused(
            &answer,
            "3 calls a day, UTC (`limits.per_day` of the instance `one`)",
        );
        client.tool_names().await;
    }
    call(&app.mcp("two"), "free").await.ok();
    counted(
        &app,
        r#"limit="per_day",scope="instance",place="the instance `one`""#,
    );
}

#[tokio::test]
async fn what_its_own_limit_refuses_a_caller_uses_up_nothing_that_all_share() {
    let app = TestApp::start().await;
    let [_, configured] = gateway(&app, &json!({"rate": "5/h"}), &json!({"per_day": 5})).await;
    let (_, key) = create(&app, json!({"instances": ["one"], "limits": {"rate": "2/h"}})).await;
    let tight = McpClient::new(holder(&app, &key), "one");
    for _ in 0..2 {
        call(&tight, "echo").await.ok();
    }
    for _ in 0..10 {
        let answer = call(&tight, "echo").await;
        assert!(
            answer
                .text
                .contains("you may make 2/h calls (`limits.rate` of the key)"),
            "{}",
            answer.text
        );
    }
    // Of each kind, what is left is said of the limit of which there is the least.
    let answer = call(&configured, "echo").await.ok();
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"per_day\";q=5;w=86400, \"rate\";q=5;w=3600")
    );
    let said = answer.header("ratelimit").unwrap();
    assert!(
        said.starts_with("\"per_day\";r=2;t=") && said.contains("\"rate\";r=2;t="),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_under_way_count_for_all_and_are_given_back() {
    let app = TestApp::start().await;
    let upstream = app.with_item_tools("shop").await;
    let tool = app.admin().get("/admin/tds/get_item").await.data();
    let mut limited = tool.clone();
    for member in ["revision", "updated_at", "version"] {
        limited.as_object_mut().unwrap().remove(member);
    }
    limited["limits"] = json!({"concurrent": 2});
    app.admin().put("/admin/tds/get_item", &limited).await.ok();
    upstream.reply(Reply::After(Duration::from_secs(2)));
    let under_way: Vec<_> = (0..2)
        .map(|_| {
            let client = app.mcp("shop");
            tokio::spawn(async move { client.call("get_item", json!({"id": 1})).await })
        })
        .collect();
    eventually("both are under way", || upstream.requests().len() == 2).await;
    let params = json!({"name": "get_item", "arguments": {"id": 1}});
    let answer = app.mcp("shop").modern("tools/call", params.clone()).await;
    refused(
        &answer,
        "have 2 calls under way at once (`limits.concurrent` of the tool `get_item`)",
    );
    for call in under_way {
        call.await.unwrap();
    }
    upstream.reply(Reply::After(Duration::ZERO));
    app.mcp("shop").modern("tools/call", params).await.ok();
}

#[tokio::test]
async fn the_whole_gateway_has_limits_that_its_configuration_changes_while_it_runs() {
    let mut app = TestApp::start().await;
    app.configure("limits.per_day", "2");
    app.restart().await;
    let clients = gateway(&app, &Value::Null, &Value::Null).await;
    for client in &clients {
        call(client, "echo").await.ok();
    }
    refused(
        &call(&app.mcp("two"), "free").await,
        "2 calls a day, UTC (`limits.per_day` of the gateway)",
    );
    counted(
        &app,
        r#"limit="per_day",scope="gateway",place="the gateway",key="""#,
    );
    let explained = app.admin();
    let question = json!({"key": "k", "instance": "one", "tool": "echo"});
    let made = explained
        .request(Method::POST, "/admin/keys")
        .json(&json!({"name": "k"}));
    explained.send(made).await.ok();
    let asked = explained
        .request(Method::POST, "/admin/access/explain")
        .json(&question);
    let said = explained.send(asked).await.data();
    assert_eq!(
        said["limits"],
        json!(["the gateway: 2 a day, all callers together"])
    );
}

#[tokio::test]
async fn other_limits_of_the_gateway_hold_without_a_restart() {
    let app = TestApp::start().await;
    let base = fs::read_to_string(app.configuration()).unwrap();
    app.follow().await;
    let [client, _] = gateway(&app, &Value::Null, &Value::Null).await;
    assert_eq!(call(&client, "echo").await.ok().header("ratelimit"), None);
    let write = |limits: &str| fs::write(app.configuration(), format!("{base}\n{limits}\n")).unwrap();
    write("[limits]\nrate = \"1/h\"\nburst = 2");
    eventually("the limit holds", || {
        json!(app.app().config.report())["reloads"] == 1
    })
    .await;
    for _ in 0..2 {
        call(&client, "echo").await.ok();
    }
    refused(
        &call(&client, "echo").await,
        "1/h calls (`limits.rate` of the gateway)",
    );
    // What cannot be is refused, and what was there goes on.
    write("[limits]\nrate = \"often\"");
    eventually("it is refused", || {
        json!(app.app().config.report())["errors"] == 1
    })
    .await;
    refused(&call(&client, "echo").await, "of the gateway");
    write("");
    eventually("it is gone", || json!(app.app().config.report())["reloads"] == 2).await;
    call(&client, "echo").await.ok();
}

#[tokio::test]
async fn an_http_service_has_one_for_all_tools_that_are_called_there() {
    let (app, upstreams) = fleet::started("GET", 1, &json!({"limits": {"rate": "2/h"}})).await;
    let mut other = app.admin().get("/admin/tds/t").await.data();
    for member in ["revision", "updated_at", "version", "id"] {
        other.as_object_mut().unwrap().remove(member);
    }
    other["name"] = json!("u");
    app.admin().put("/admin/tds/u", &other).await.ok();
    app.put_instance("i", &["t", "u"]).await;
    call(&app.mcp("i"), "t").await.ok();
    call(&app.mcp("i"), "u").await.ok();
    for tool in ["t", "u"] {
        let answer = call(&app.mcp("i"), tool).await;
        refused(&answer, "2/h calls (`limits.rate` of the upstream `billing`)");
    }
    let sent: usize = upstreams.iter().map(|upstream| upstream.requests().len()).sum();
    assert_eq!(sent, 2, "nothing was sent for what was refused");
    counted(
        &app,
        r#"limit="rate",scope="upstream",place="the upstream `billing`""#,
    );
}

#[tokio::test]
async fn an_mcp_server_has_one_for_everything_that_is_asked_of_it() {
    let app = TestApp::start().await;
    let server = offered::server(true).await;
    offered::with(&app, "docs", &server, &json!({"limits": {"per_day": 4}})).await;
    let instance = json!({"name": "i", "include": {"upstreams": ["docs"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let client = app.mcp("i");
    let asked = [
        ("resources/read", json!({"uri": "test://a"})),
        ("resources/read", json!({"uri": "test://item/7"})),
        ("prompts/get", json!({"name": "ask"})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "ask"}, "argument": {"name": "n", "value": ""}}),
        ),
    ];
    for (method, params) in &asked {
        client.modern(method, params.clone()).await.ok();
    }
    for (method, params) in asked.iter().chain([&("tools/call", json!({"name": "t"}))]) {
        let answer = client.modern(method, params.clone()).await;
        refused(
            &answer,
            "4 calls a day, UTC (`limits.per_day` of the upstream `docs`)",
        );
    }
    // Another limit is no reason to connect anew, and holds at once.
    let before = app.app().hub.status("docs").map(|status| status.since);
    offered::with(&app, "docs", &server, &json!({"limits": {"per_day": 5}})).await;
    client.modern(asked[0].0, asked[0].1.clone()).await.ok();
    assert_eq!(app.app().hub.status("docs").map(|status| status.since), before);
}

#[tokio::test]
async fn limits_that_mean_nothing_are_refused_where_they_are_written() {
    let app = TestApp::start().await;
    gateway(&app, &Value::Null, &Value::Null).await;
    for (limits, said) in [
        (
            json!({"rate": "often"}),
            "limits.rate: must be a number and a time",
        ),
        (json!({"burst": 4}), "limits.burst: means nothing without"),
        (json!({"concurrent": 0}), "limits.concurrent: "),
        (json!({"per_hour": 3}), "limits.per_hour: "),
        (json!(5), "limits: "),
    ] {
        for (path, document) in [
            ("/admin/tds/echo", static_tool(&limits)),
            ("/admin/ids/one", instance(&limits)),
            (
                "/admin/uds/docs",
                json!({"url": "http://127.0.0.1:1/mcp", "limits": limits}),
            ),
        ] {
            let refusal = app.admin().put(path, &document).await;
            let refusal = refusal.error(400);
            assert!(refusal.contains(said), "{path} {limits}: {refusal}");
        }
        let planned = json!({"definitions": [{"kind": "tds", "id": "echo", "document": static_tool(&limits)}], "options": {}});
        let admin = app.admin();
        let plan = admin
            .send(admin.request(Method::POST, "/admin/plan").json(&planned))
            .await;
        let problems = plan.ok().data()["problems"].to_string();
        assert!(problems.contains("limits"), "{problems}");
    }
    for kind in ["tds", "ids", "uds"] {
        let schema = app
            .admin()
            .get(&format!("/admin/schema/{kind}.json"))
            .await
            .ok()
            .text;
        assert!(schema.contains("per_day"), "{kind}");
    }
}

#[tokio::test]
async fn what_holds_for_all_is_explained_beside_what_holds_for_the_key() {
    let app = TestApp::start().await;
    gateway(
        &app,
        &json!({"rate": "3/h", "burst": 6}),
        &json!({"per_day": 9, "concurrent": 2}),
    )
    .await;
    create(
        &app,
        json!({"name": "ann", "instances": ["one"], "limits": {"rate": "5/s"}}),
    )
    .await;
    let ask = async |question: Value| {
        let admin = app.admin();
        let request = admin
            .request(Method::POST, "/admin/access/explain")
            .json(&question);
        admin.send(request).await.data()["limits"].clone()
    };
    assert_eq!(
        ask(json!({"key": "ann", "instance": "one", "tool": "echo"})).await,
        json!([
            "the key: 5/s",
            "the tool `echo`: 3/h, 6 at once after a pause, all callers together",
            "the instance `one`: 2 under way, 9 a day, all callers together",
        ])
    );
    assert_eq!(
        ask(json!({"key": "ann", "instance": "one", "tool": "free"})).await[1],
        "the instance `one`: 2 under way, 9 a day, all callers together"
    );
    assert_eq!(ask(json!({"key": "ann"})).await, json!(["the key: 5/s"]));
}

#[tokio::test]
async fn replicas_count_together_what_all_callers_have() {
    let redis = RedisServer::start(&[]);
    let url = redis.url();
    let settings = [
        ("limits.redis.url", url.as_str()),
        ("limits.redis.timeout_ms", "2000"),
        ("limits.per_day", "6"),
    ];
    let apps = [TestApp::with(&settings).await, TestApp::with(&settings).await];
    let mut clients = Vec::new();
    for app in &apps {
        clients.push(gateway(app, &json!({"rate": "4/h"}), &Value::Null).await);
        let counts =
            async || app.admin().get("/admin/status").await.data()["shared_limits"]["counted"].clone();
        while counts().await != "together" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // A key of one gateway is none of the other's: what they share is what all callers have.
    for (turn, left) in [3, 2, 1, 0].into_iter().enumerate() {
        let answer = call(&clients[turn % 2][turn / 2], "echo").await.ok();
        let said = answer.header("ratelimit").unwrap();
        assert!(said.contains(&format!("\"rate\";r={left};t=")), "{said}");
        assert!(said.contains(&format!("\"per_day\";r={};t=", left + 2)), "{said}");
    }
    for client in clients.iter().flatten() {
        refused(&call(client, "echo").await, "of the tool `echo`");
    }
    // What was refused was counted for nothing.
    call(&clients[0][0], "free").await.ok();
    call(&clients[1][0], "free").await.ok();
    for client in clients.iter().flatten() {
        refused(&call(client, "free").await, "of the gateway");
    }
}
