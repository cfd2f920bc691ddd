//! What tools and instances say themselves about who may use them, what roles limit, and what plans say about both.

use crate::{
    event_stream::EventStream,
    test_app::{Answer, Client, McpClient, TestApp},
};
use mcp_common::key::Key;
use reqwest::Method;
use serde_json::{Value, json};

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn key(app: &TestApp, wanted: Value) -> Client {
    let data = post(&app.admin(), "/admin/keys", &wanted).await.ok().data();
    Client::new(app.address(), data["key"].as_str().map(str::to_owned))
}

fn tool(id: &str, access: &Value) -> Value {
    let mut tool = json!({
        "name": id, "description": "Says its name.",
        "input_schema": {"type": "object", "properties": {"amount": {"type": "integer"}}},
        "static": {"content": [{"type": "text", "text": id}]},
    });
    if !access.is_null() {
        tool["access"] = access.clone();
    }
    tool
}

/// An instance `shop` of three tools: for everybody, for a role, and for small amounts.
async fn shop() -> TestApp {
    let app = TestApp::start().await;
    for (id, access) in [
        ("get_order", Value::Null),
        ("refund_order", json!({"roles": ["billing", "lead"]})),
        ("pay_order", json!({"when": "args.amount < 1000"})),
    ] {
        app.admin()
            .put(&format!("/admin/tds/{id}"), &tool(id, &access))
            .await
            .ok();
    }
    app.put_instance("shop", &["get_order", "refund_order", "pay_order"])
        .await;
    app
}

async fn call(client: &McpClient, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    client.modern("tools/call", params).await.json()
}

#[tokio::test]
async fn a_tool_that_is_for_a_role_is_unknown_to_everybody_else() {
    let app = shop().await;
    let anybody = McpClient::new(key(&app, json!({"instances": ["shop"]})).await, "shop");
    assert_eq!(anybody.tool_names().await, ["get_order", "pay_order"]);
    assert_eq!(
        call(&anybody, "refund_order", json!({})).await["error"]["code"],
        -32602
    );
    // A word that the key has, a role of the store, and one that a role inherits.
    app.admin()
        .put("/admin/roles/lead", &json!({"allow": [{"actions": ["*"]}]}))
        .await
        .ok();
    app.admin()
        .put("/admin/roles/head", &json!({"inherits": ["lead"]}))
        .await
        .ok();
    for wanted in [
        json!({"instances": ["shop"], "roles": ["billing"]}),
        json!({"roles": ["lead"]}),
        json!({"roles": ["head"]}),
        json!({"roles": ["admin"]}),
    ] {
        let client = McpClient::new(key(&app, wanted.clone()).await, "shop");
        assert_eq!(client.tool_names().await.len(), 3, "{wanted}");
        assert_eq!(
            client.call("refund_order", json!({})).await["isError"],
            false,
            "{wanted}"
        );
    }
    // What an editor may write says nothing about what they may call; what a key does not show is not shown.
    for wanted in [
        json!({"roles": ["editor"]}),
        json!({"roles": ["lead"], "tools": ["get_*", "pay_*"]}),
    ] {
        let client = McpClient::new(key(&app, wanted.clone()).await, "shop");
        assert_eq!(client.tool_names().await.len(), 2, "{wanted}");
    }
    // The configured keys: the operator's opens everything, the other one has the roles that it has.
    assert_eq!(McpClient::new(app.admin(), "shop").tool_names().await.len(), 3);
    assert_eq!(
        app.mcp("shop").tool_names().await.len(),
        3,
        "it has the role `billing`"
    );
    app.admin()
        .put(
            "/admin/tds/refund_order",
            &tool("refund_order", &json!({"roles": ["lead"]})),
        )
        .await
        .ok();
    assert_eq!(app.mcp("shop").tool_names().await.len(), 2);
    // The change holds from the next request on, for whoever saw it before as well.
    app.admin()
        .put("/admin/tds/refund_order", &tool("refund_order", &Value::Null))
        .await
        .ok();
    assert_eq!(anybody.tool_names().await.len(), 3);
}

#[tokio::test]
async fn what_a_tool_says_about_arguments_is_decided_for_each_call() {
    let app = shop().await;
    for client in [
        app.mcp("shop"),
        McpClient::new(key(&app, json!({"roles": ["agent"]})).await, "shop"),
    ] {
        assert_eq!(
            client.call("pay_order", json!({"amount": 999})).await["isError"],
            false
        );
        for arguments in [json!({"amount": 1000}), json!({}), json!({"amount": "a"})] {
            let refused = client.call("pay_order", arguments.clone()).await;
            assert_eq!(refused["isError"], true, "{arguments}");
            assert_eq!(
                refused["content"][0]["text"],
                "This call is not allowed with these arguments: `access` of the tool allows it when `args.amount < 1000`"
            );
        }
    }
    let admin = McpClient::new(app.admin(), "shop");
    assert_eq!(
        admin.call("pay_order", json!({"amount": 5000})).await["isError"],
        false
    );
}

#[tokio::test]
async fn an_instance_that_is_for_a_role_is_closed_to_everybody_else() {
    let app = shop().await;
    let document = json!({"name": "Back office", "tool_ids": ["get_order"], "access": {"roles": ["lead"], "when": "args.amount == 1"}});
    app.admin().put("/admin/ids/back", &document).await.ok();
    let closed = key(&app, json!({"roles": ["agent"]})).await;
    let refused = McpClient::new(closed.clone(), "back")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let nowhere = key(&app, json!({"instances": ["shop"]})).await;
    let other = McpClient::new(nowhere, "nowhere")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(
        other.text.replace("nowhere", "back"),
        refused.text,
        "nobody learns which there are"
    );
    let open = McpClient::new(key(&app, json!({"roles": ["agent", "lead"]})).await, "back");
    assert_eq!(open.tool_names().await, ["get_order"]);
    assert_eq!(
        open.call("get_order", json!({"amount": 1})).await["isError"],
        false
    );
    assert_eq!(
        open.call("get_order", json!({"amount": 2})).await["isError"],
        true
    );

    let explained = json!({"key": "ann", "instance": "back", "tool": "get_order"});
    key(&app, json!({"name": "ann", "roles": ["agent"]})).await;
    let explained = post(&app.admin(), "/admin/access/explain", &explained)
        .await
        .data();
    assert_eq!(
        explained["instance"],
        json!({"open": false, "tools": [], "hidden": 1})
    );
    assert_eq!(
        explained["tool"]["reason"],
        "`access` of the instance is for the roles `lead`"
    );
}

#[tokio::test]
async fn what_access_cannot_say_is_refused_with_its_place() {
    let app = shop().await;
    for (access, expected) in [
        (json!({}), "access: is empty"),
        (json!({"role": ["a"]}), "access"),
        (json!({"roles": [""]}), "access.roles[0]"),
        (json!({"scopes": ["a b"]}), "access.scopes[0]"),
        (json!({"scopes": ["a\"b"]}), "access.scopes[0]"),
        (json!({"when": "args.amount <"}), "access.when"),
        (json!({"when": "{{ args.amount }}"}), "access.when"),
        (json!({"when": "secrets.x == 1"}), "access.when"),
        (json!("lead"), "access"),
    ] {
        let refused = app
            .admin()
            .put("/admin/tds/pay_order", &tool("pay_order", &access))
            .await
            .error(400);
        assert!(refused.contains(expected), "{access}: {refused}");
        let instance = json!({"name": "i", "tool_ids": [], "access": access});
        let refused = app.admin().put("/admin/ids/i", &instance).await.error(400);
        assert!(refused.contains(expected), "{access}: {refused}");
    }
    let open = json!({"name": "i", "tool_ids": [], "auth": "none", "access": {"roles": ["a"]}});
    let refused = app.admin().put("/admin/ids/i", &open).await.error(400);
    assert!(
        refused.contains("with `auth: none` nobody has a role"),
        "{refused}"
    );
    // What was good is what holds.
    assert_eq!(
        app.mcp("shop").call("pay_order", json!({"amount": 5000})).await["isError"],
        true
    );
}

#[tokio::test]
async fn what_would_restrict_nothing_by_accident_is_refused() {
    let app = shop().await;
    let lead = json!({"roles": ["lead"]});
    let with = |base: &Value, member: &str, value: &Value| {
        let mut document = base.clone();
        document[member] = value.clone();
        document
    };
    let open = tool("get_order", &Value::Null);
    let instance = json!({"name": "Back office", "tool_ids": ["get_order"]});
    for (member, value, expected) in [
        ("access", Value::Null, "access: is null"),
        ("access", json!({"roles": []}), "access.roles: is empty"),
        (
            "access",
            json!({"roles": ["lead"], "scopes": []}),
            "access.scopes: is empty",
        ),
        ("access", json!({"roles": null}), "access.roles: is null"),
        (
            "access",
            json!({"roles": ["lead"], "when": null}),
            "access.when: is null",
        ),
        (
            "acess",
            lead.clone(),
            "acess: unknown member; did you mean `access`?",
        ),
        (
            "acces",
            lead.clone(),
            "acces: unknown member; did you mean `access`?",
        ),
        (
            "Access",
            lead.clone(),
            "Access: unknown member; did you mean `access`?",
        ),
        (
            "acecss",
            lead.clone(),
            "acecss: unknown member; did you mean `access`?",
        ),
        (
            "accesss",
            Value::Null,
            "accesss: unknown member; did you mean `access`?",
        ),
    ] {
        let document = with(&open, member, &value);
        let refused = app
            .admin()
            .put("/admin/tds/get_order", &document)
            .await
            .error(400);
        assert!(refused.contains(expected), "{document}: {refused}");
        let document = with(&instance, member, &value);
        let refused = app.admin().put("/admin/ids/back", &document).await.error(400);
        assert!(refused.contains(expected), "{document}: {refused}");
    }
    // Whoever writes past the gateway opens nothing: what was good before holds, and what is new is not there.
    let restricted = tool("refund_order", &lead);
    let mut misspelt = tool("refund_order", &Value::Null);
    misspelt["acess"] = lead;
    app.admin().put("/admin/tds/refund_order", &restricted).await.ok();
    app.store(Key::tool("refund_order"), &misspelt.to_string()).await;
    let commented_out = with(&tool("new_order", &Value::Null), "access", &Value::Null);
    app.store(Key::tool("new_order"), &commented_out.to_string())
        .await;
    app.put_instance("shop", &["get_order", "refund_order", "new_order"])
        .await;
    assert_eq!(app.mcp("shop").tool_names().await, ["get_order"]);
    // What is only a little like it is somebody else's, and so is what begins with `x-`.
    let own = with(&open, "x-access", &json!(3));
    app.admin().put("/admin/tds/get_order", &own).await.ok();
    let stored = app
        .admin()
        .put("/admin/tds/get_order", &with(&open, "excess", &json!(3)))
        .await
        .ok();
    assert!(stored.text.contains("excess: unknown member"), "{}", stored.text);
}

#[tokio::test]
async fn a_stream_tells_of_a_change_of_access_and_ends_where_its_instance_is_closed() {
    let app = shop().await;
    let listen = |client: &Client| {
        let request = client
            .request(Method::GET, "/mcp/shop")
            .header("mcp-protocol-version", "2025-06-18");
        EventStream::open(request.header("accept", "text/event-stream"))
    };
    let holder = key(&app, json!({"instances": ["shop"]})).await;
    let anybody = McpClient::new(holder.clone(), "shop");
    let mut streams = [listen(&holder).await, listen(&app.user()).await];
    // The list of the whole instance stays what it is; of those who may not use the tool any more it does not.
    let restricted = tool("get_order", &json!({"roles": ["lead"]}));
    app.admin().put("/admin/tds/get_order", &restricted).await.ok();
    for stream in &mut streams {
        let told = stream.next().await.expect("the stream goes on");
        assert_eq!(told["method"], "notifications/tools/list_changed");
    }
    assert_eq!(anybody.tool_names().await, ["pay_order"]);
    let open = tool("get_order", &Value::Null);
    app.admin().put("/admin/tds/get_order", &open).await.ok();
    for stream in &mut streams {
        let told = stream.next().await.expect("the stream goes on");
        assert_eq!(told["method"], "notifications/tools/list_changed");
    }
    let closed = json!({
        "name": "Test instance shop", "tool_ids": ["get_order", "refund_order", "pay_order"], "access": {"roles": ["billing"]},
    });
    app.admin().put("/admin/ids/shop", &closed).await.ok();
    let [mut ends, _] = streams;
    assert_eq!(ends.next().await, None, "it ends");
    let refused = anybody.modern("tools/list", json!({})).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}

#[tokio::test]
async fn what_a_role_limits_is_counted_for_each_holder_and_the_tightest_limit_holds() {
    let app = shop().await;
    let role = json!({
        "allow": [{"actions": ["*"], "instances": ["shop"]}],
        "limits": {"per_day": 4, "per_tool": {"get_*": "2/h"}},
    });
    app.admin().put("/admin/roles/slow", &role).await.ok();
    app.admin()
        .put("/admin/roles/slower", &json!({"inherits": ["slow"]}))
        .await
        .ok();
    let of = async |wanted: Value| McpClient::new(key(&app, wanted).await, "shop");
    let ann = of(json!({"name": "ann", "roles": ["slower"]})).await;
    let bob = of(json!({"roles": ["slow"], "limits": {"per_day": 1}})).await;
    let status = async |client: &McpClient, tool: &str| {
        let params = json!({"name": tool, "arguments": {"amount": 1}});
        let answer = client.modern("tools/call", params).await;
        let reason = answer.json()["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, reason)
    };
    assert_eq!(status(&ann, "get_order").await.0, 200);
    assert_eq!(status(&ann, "get_order").await.0, 200);
    let (code, reason) = status(&ann, "get_order").await;
    assert_eq!(code, 429);
    assert_eq!(
        reason,
        "you may make 2/h calls of `get_*` (`limits.per_tool` of the role `slow`)"
    );
    assert_eq!(status(&ann, "pay_order").await.0, 200);
    assert_eq!(status(&ann, "pay_order").await.0, 200);
    let (code, reason) = status(&ann, "pay_order").await;
    assert_eq!(code, 429);
    assert!(
        reason.contains("4 calls a day, UTC (`limits.per_day` of the role `slow`)"),
        "{reason}"
    );
    // Somebody else with the role is counted apart, and by the key, which says less.
    assert_eq!(status(&bob, "get_order").await.0, 200);
    let (code, reason) = status(&bob, "get_order").await;
    assert_eq!(code, 429);
    assert!(
        reason.contains("1 calls a day, UTC (`limits.per_day` of the key)"),
        "{reason}"
    );
    // Other limits of the role hold from the next call on; what stays of them has been counted.
    let role = json!({"allow": [{"actions": ["*"]}], "limits": {"per_day": 4, "per_tool": {"get_*": "3/h"}}});
    app.admin().put("/admin/roles/slow", &role).await.ok();
    let (code, reason) = status(&ann, "get_order").await;
    assert_eq!(code, 429);
    assert!(reason.contains("4 calls a day"), "{reason}");
    app.admin()
        .put("/admin/roles/slow", &json!({"allow": [{"actions": ["*"]}]}))
        .await
        .ok();
    assert_eq!(status(&ann, "get_order").await.0, 200);

    for (limits, place) in [
        (json!({"rate": "5"}), "limits.rate"),
        (json!({"burst": 3}), "limits.burst"),
        (json!({"per_tool": {"": "5/s"}}), "limits.per_tool"),
        (json!({"per_tool": {"tag:x": "5/s"}}), "limits.per_tool.tag:x"),
        (json!({"per_tool": {"x": "5/y"}}), "limits.per_tool"),
        (json!({"per_week": 3}), "per_week"),
    ] {
        let refused = app
            .admin()
            .put("/admin/roles/bad", &json!({"limits": limits}))
            .await
            .error(400);
        assert!(refused.contains(place), "{limits}: {refused}");
    }
}

#[tokio::test]
async fn explaining_says_what_limits_hold() {
    let app = shop().await;
    let role =
        json!({"allow": [{"actions": ["*"]}], "limits": {"concurrent": 3, "per_tool": {"pay_*": "5/min"}}});
    app.admin().put("/admin/roles/payer", &role).await.ok();
    key(
        &app,
        json!({"name": "ann", "roles": ["payer"], "limits": {"rate": "20/s"}}),
    )
    .await;
    let explained = post(&app.admin(), "/admin/access/explain", &json!({"key": "ann"}))
        .await
        .data();
    assert_eq!(
        explained["limits"],
        json!([
            "the role `payer`: 5/min of `pay_*`",
            "the key: 20/s",
            "the role `payer`: 3 under way"
        ])
    );
}

#[tokio::test]
async fn a_plan_says_who_gains_and_who_loses() {
    let app = shop().await;
    let reader = json!({"allow": [{"actions": ["tools/call"], "instances": ["shop"], "tools": ["get_*"]}]});
    app.admin().put("/admin/roles/reader", &reader).await.ok();
    let created = post(
        &app.admin(),
        "/admin/keys",
        &json!({"name": "ann", "roles": ["reader"]}),
    )
    .await
    .data();
    key(&app, json!({"name": "bob", "instances": ["shop"]})).await;
    let id = created["id"].as_str().unwrap();
    let plan = async |definitions: Value| {
        let wanted = json!({"definitions": definitions, "options": {}});
        post(&app.admin(), "/admin/plan", &wanted).await.ok().data()
    };
    let wider = json!({"allow": [{"actions": ["tools/call"], "instances": ["shop"], "tools": ["pay_*"]}]});
    let told = plan(json!([{"kind": "roles", "id": "reader", "document": wider}])).await;
    assert_eq!(
        told["access"],
        json!([
            {"holder": "roles/reader", "instance": "shop", "gains": ["pay_order"], "loses": ["get_order"]},
            {"holder": format!("keys/{id}"), "name": "ann", "instance": "shop", "gains": ["pay_order"], "loses": ["get_order"]},
        ])
    );
    // What a tool says about roles concerns whoever has none of them.
    let told = plan(json!([{"kind": "tds", "id": "get_order", "document": tool("get_order", &json!({"roles": ["reader"]}))}])).await;
    let notices = told["access"].as_array().unwrap();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(
        (&notices[0]["name"], &notices[0]["loses"]),
        (&json!("bob"), &json!(["get_order"]))
    );
    // Nobody gains or loses: nothing is said. Nothing of all that was written.
    let told = plan(json!([{"kind": "roles", "id": "other", "document": {"allow": []}}])).await;
    assert_eq!(told["access"], json!([]));
    let told =
        plan(json!([{"kind": "tds", "id": "get_order", "document": tool("get_order", &Value::Null)}])).await;
    assert_eq!(
        (&told["access"], &told["unchanged"]),
        (&json!([]), &json!(["tds/get_order"]))
    );
}
