//! Roles: what their holders see and may call, what they may do in `/admin`, and that a change holds from the next request on.

use crate::{
    event_stream::EventStream,
    test_app::{Answer, Client, McpClient, TestApp},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn put_role(app: &TestApp, id: &str, role: Value) {
    app.admin().put(&format!("/admin/roles/{id}"), &role).await.ok();
}

/// What the holder of a new key shows.
async fn key(app: &TestApp, wanted: Value) -> Client {
    let data = post(&app.admin(), "/admin/keys", &wanted).await.ok().data();
    Client::new(app.address(), data["key"].as_str().map(str::to_owned))
}

/// A tool that answers without an upstream.
async fn put_static(app: &TestApp, id: &str, tags: &[&str]) {
    let tool = json!({
        "name": id, "description": "Says its name.", "tags": tags,
        "input_schema": {"type": "object", "properties": {"amount": {"type": "integer"}, "to": {"type": "string"}}},
        "static": {"content": [{"type": "text", "text": id}]},
    });
    app.admin().put(&format!("/admin/tds/{id}"), &tool).await.ok();
}

/// An instance with `get_order`, `pay_order` and `drop_orders`.
async fn shop() -> TestApp {
    let app = TestApp::start().await;
    put_static(&app, "get_order", &["read-only"]).await;
    put_static(&app, "pay_order", &[]).await;
    put_static(&app, "drop_orders", &[]).await;
    app.put_instance("shop", &["get_order", "pay_order", "drop_orders"])
        .await;
    app.put_instance("back", &["drop_orders"]).await;
    app
}

#[tokio::test]
async fn the_holder_of_a_role_sees_what_it_allows_and_a_change_holds_from_the_next_request_on() {
    let app = shop().await;
    let allow =
        json!([{"actions": ["tools/call"], "instances": ["shop"], "tools": ["tag:read-only", "pay_*"]}]);
    put_role(&app, "agent-1", json!({"allow": allow})).await;
    let holder = key(&app, json!({"name": "ann", "roles": ["agent-1"]})).await;
    let client = McpClient::new(holder.clone(), "shop");
    assert_eq!(client.tool_names().await, ["get_order", "pay_order"]);
    assert_eq!(client.call("pay_order", json!({})).await["isError"], false);
    let hidden = client
        .modern("tools/call", json!({"name": "drop_orders", "arguments": {}}))
        .await;
    assert_eq!(hidden.json()["error"]["code"], -32602, "{}", hidden.text);
    let nowhere = client
        .modern("tools/call", json!({"name": "nothing", "arguments": {}}))
        .await;
    assert_eq!(
        hidden.text.replace("drop_orders", "nothing"),
        nowhere.text,
        "whether there is such a tool is not to be found out"
    );
    let back = McpClient::new(holder.clone(), "back")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(back.status, 403);
    assert!(
        back.text.contains("neither its `instances` nor its roles do"),
        "{}",
        back.text
    );

    put_role(
        &app,
        "careful",
        json!({"deny": [{"actions": ["*"], "tools": ["pay_*"]}]}),
    )
    .await;
    put_role(&app, "agent-1", json!({"inherits": ["careful"], "allow": allow})).await;
    assert_eq!(client.tool_names().await, ["get_order"]);
    app.admin().delete("/admin/roles/agent-1").await.ok();
    assert_eq!(client.modern("tools/list", json!({})).await.status, 403);
    // Who has no role sees what there is.
    assert_eq!(app.mcp("shop").tool_names().await.len(), 3);
}

#[tokio::test]
async fn a_condition_over_arguments_is_decided_for_each_call() {
    let app = shop().await;
    let role = json!({
        "allow": [{"actions": ["*"], "when": "args.amount is not defined or args.amount < 1000"}],
        "deny": [{"actions": ["*"], "tools": ["pay_*"], "when": "args.to == \"mallory\" or \"blocked\" in principal.roles"}],
    });
    put_role(&app, "payer", role).await;
    let holder = key(&app, json!({"name": "ann", "roles": ["payer"]})).await;
    let client = McpClient::new(holder, "shop");
    assert_eq!(
        client.tool_names().await.len(),
        3,
        "what may be allowed is listed"
    );
    let allowed = client
        .call("pay_order", json!({"amount": 999, "to": "bob"}))
        .await;
    assert_eq!(
        (&allowed["isError"], &allowed["content"][0]["text"]),
        (&json!(false), &json!("pay_order"))
    );
    let refusal = |answer: &Value| {
        assert_eq!(answer["isError"], true, "{answer}");
        answer["content"][0]["text"].as_str().unwrap().to_owned()
    };
    let dear = refusal(&client.call("get_order", json!({"amount": 1000})).await);
    assert_eq!(
        dear,
        "This call is not allowed with these arguments: role `payer`, allow[0] allows it when `args.amount is not defined or args.amount < 1000`"
    );
    let denied = refusal(
        &client
            .call("pay_order", json!({"amount": 1, "to": "mallory"}))
            .await,
    );
    assert!(
        denied.contains("role `payer`, deny[0] refuses it when"),
        "{denied}"
    );
    // `to` is not there: what cannot be computed refuses.
    let unknown = refusal(&client.call("pay_order", json!({"amount": 1})).await);
    assert!(unknown.contains("deny[0]"), "{unknown}");
    // In older revisions, too.
    let call = json!({"name": "get_order", "arguments": {"amount": 5000}});
    let older = client.legacy("2025-06-18", "tools/call", call).await.json();
    assert_eq!(older["result"]["isError"], true, "{older}");
}

#[tokio::test]
async fn a_role_opens_what_it_says_of_the_admin_api_and_nothing_beside_it() {
    let app = shop().await;
    let viewer = key(&app, json!({"name": "eve", "roles": ["viewer"]})).await;
    let editor = key(&app, json!({"name": "ed", "roles": ["editor"]})).await;
    for path in [
        "/admin/tds",
        "/admin/keys",
        "/admin/roles",
        "/admin/status",
        "/admin/quarantine",
        "/admin/export",
    ] {
        viewer.get(path).await.ok();
        editor.get(path).await.ok();
    }
    let instance = json!({"name": "New"});
    let refusal = viewer.put("/admin/ids/new", &instance).await.error(403);
    assert_eq!(refusal, "no role of this key allows `admin/ids/write`");
    let refusal = post(&viewer, "/admin/keys", &json!({})).await.error(403);
    assert!(refusal.contains("`admin/keys/write`"), "{refusal}");
    let seen = McpClient::new(viewer.clone(), "shop")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(
        seen.status, 403,
        "a viewer looks at definitions, and calls nothing"
    );

    editor.put("/admin/ids/new", &instance).await.ok();
    editor.delete("/admin/ids/new").await.ok();
    for path in ["/admin/roles/r", "/admin/keys/k"] {
        let refusal = editor.put(path, &json!({"allow": []})).await.error(403);
        assert!(refusal.contains("/write`"), "{refusal}");
        editor.delete(path).await.error(403);
    }
    // Nor by a door behind which all kinds are.
    let role = json!({"kind": "roles", "id": "r", "document": {"allow": [{"actions": ["admin/*"]}]}});
    let wanted = json!({"definitions": [role]});
    post(&editor, "/admin/plan", &wanted).await.ok();
    let refusal = post(&editor, "/admin/apply", &wanted).await.error(403);
    assert_eq!(refusal, "no role of this key allows `admin/roles/write`");
    app.admin().get("/admin/roles/r").await.error(404);
    let tool = json!({"kind": "ids", "id": "by-plan", "document": {"name": "By plan"}});
    post(&editor, "/admin/apply", &json!({"definitions": [tool]}))
        .await
        .ok();
    app.admin().get("/admin/ids/by-plan").await.ok();
}

#[tokio::test]
async fn whoever_asks_is_told_what_they_may_do_themselves() {
    let app = shop().await;
    let editor = key(&app, json!({"name": "ed", "roles": ["editor"]})).await;
    let path = "/admin/access?actions=admin/tds/write,%20admin/secrets/write,audit/read,,nonsense";
    let said = editor.get(path).await.data();
    let expected = json!({"admin/tds/write": true, "admin/secrets/write": false, "audit/read": false, "nonsense": false});
    assert_eq!(said, json!({"principal": "ed", "actions": expected}));
    // What is said is what is done.
    editor.put("/admin/ids/new", &json!({"name": "New"})).await.ok();
    editor
        .put("/admin/secrets/new", &json!({"value": "v"}))
        .await
        .error(403);
    let all = app.admin().get(path).await.data();
    assert_eq!(all["actions"]["admin/secrets/write"], true, "{all}");
    let many = vec!["admin/tds/read"; 101].join(",");
    let refusal = editor
        .get(&format!("/admin/access?actions={many}"))
        .await
        .error(400);
    assert_eq!(
        refusal,
        "actions: 101 are named, at most 100 are answered at once"
    );
    // Whoever may not look at rights is not told of any.
    put_role(
        &app,
        "narrow",
        json!({"allow": [{"actions": ["admin/status/read"]}]}),
    )
    .await;
    let narrow = key(&app, json!({"name": "nan", "roles": ["narrow"]})).await;
    narrow.get(path).await.error(403);
}

#[tokio::test]
async fn what_several_kinds_go_through_shows_and_writes_those_that_a_role_names() {
    let app = shop().await;
    let actions = json!([
        "admin/tds/*",
        "admin/export/read",
        "admin/plan/read",
        "admin/apply/write",
        "admin/import/write"
    ]);
    put_role(&app, "tools-only", json!({"allow": [{"actions": actions}]})).await;
    let holder = key(&app, json!({"name": "tom", "roles": ["tools-only"]})).await;
    let bundle = holder.get("/admin/export").await.data();
    assert_eq!(bundle["tds"].as_array().unwrap().len(), 3);
    for kind in ["ids", "keys", "roles"] {
        assert_eq!(bundle[kind], json!([]), "{kind}");
    }
    assert!(
        !app.admin().get("/admin/export").await.data()["keys"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let wanted = json!({"definitions": [{"kind": "ids", "id": "shop", "document": {"name": "Shop"}}]});
    for path in ["/admin/plan", "/admin/apply"] {
        let refusal = post(&holder, path, &wanted).await.error(403);
        assert!(refusal.contains("`admin/ids/"), "{refusal}");
    }
    let import = holder
        .request(Method::POST, "/admin/import/curl?instance=x")
        .body("curl http://localhost/a");
    let refusal = holder.send(import).await.error(403);
    assert!(refusal.contains("`admin/ids/write`"), "{refusal}");
    let pruned = json!({"definitions": [{"kind": "tds", "id": "get_order", "document": app.admin().get("/admin/tds/get_order").await.data()}],
        "options": {"prune": "all"}});
    let refusal = post(&holder, "/admin/apply", &pruned).await.error(403);
    assert!(
        refusal.contains("/delete`") || refusal.contains("/write`"),
        "{refusal}"
    );
    app.admin().get("/admin/ids/shop").await.ok();
}

#[tokio::test]
async fn a_role_that_cannot_be_read_is_refused_and_one_that_stands_in_the_store_opens_nothing() {
    let app = shop().await;
    let admin = app.admin();
    let wrong = json!({"allow": [{"actions": ["*"], "when": "args.amount <"}]});
    let refusal = admin.put("/admin/roles/r", &wrong).await.error(400);
    assert!(
        refusal.contains("allow[0].when: is not an expression"),
        "{refusal}"
    );
    let refusal = admin
        .put(
            "/admin/roles/r",
            &json!({"allow": [{"actions": ["*"]}], "forbid": []}),
        )
        .await
        .error(400);
    assert!(refusal.contains("unknown field `forbid`"), "{refusal}");
    let refusal = admin
        .put("/admin/roles/admin", &json!({"allow": []}))
        .await
        .error(400);
    assert!(refusal.contains("is always there"), "{refusal}");

    let holder = key(
        &app,
        json!({"name": "ann", "instances": ["*"], "roles": ["admin", "no-drops"]}),
    )
    .await;
    let client = McpClient::new(holder, "shop");
    assert_eq!(client.tool_names().await.len(), 3, "a word that no role has");
    app.store(mcp_common::key::Key::role("no-drops"), &wrong.to_string())
        .await;
    let refused = client.modern("tools/list", json!({})).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(
        refused.text.contains("the role `no-drops` is in quarantine"),
        "{}",
        refused.text
    );
    put_role(
        &app,
        "no-drops",
        json!({"deny": [{"actions": ["*"], "tools": ["drop_*"]}]}),
    )
    .await;
    assert_eq!(client.tool_names().await.len(), 2);
    // The last good version stays.
    app.store(mcp_common::key::Key::role("no-drops"), &wrong.to_string())
        .await;
    assert_eq!(client.tool_names().await.len(), 2);
}

#[tokio::test]
async fn a_stream_ends_when_a_role_changes_that_opened_it() {
    let app = shop().await;
    put_role(&app, "r", json!({"allow": [{"actions": ["*"]}]})).await;
    let with_role = key(&app, json!({"roles": ["r"]})).await;
    let without = key(&app, json!({"instances": ["shop"]})).await;
    let listen = |client: &Client| {
        let request = client
            .request(Method::GET, "/mcp/shop")
            .header("mcp-protocol-version", "2025-06-18");
        EventStream::open(request.header("accept", "text/event-stream"))
    };
    let mut ends = listen(&with_role).await;
    let mut stays = listen(&without).await;
    put_role(
        &app,
        "r",
        json!({"allow": [{"actions": ["*"], "instances": ["back"]}]}),
    )
    .await;
    assert_eq!(ends.next().await, None, "it ends");
    stays.stays_silent(Duration::from_millis(300)).await;
}

#[tokio::test]
async fn what_somebody_may_do_and_why_is_explained() {
    let app = shop().await;
    put_role(
        &app,
        "payer",
        json!({"allow": [{"actions": ["*"], "instances": ["shop"], "tools": ["pay_order"], "when": "args.amount < 1000"}]}),
    )
    .await;
    let holder = key(&app, json!({"name": "ann", "roles": ["payer"]})).await;
    let ask = async |question: Value| post(&app.admin(), "/admin/access/explain", &question).await;
    let question = |amount: u32| json!({"key": "ann", "instance": "shop", "tool": "pay_order", "arguments": {"amount": amount}});
    let allowed = ask(question(1)).await.data();
    assert_eq!(
        allowed["instance"],
        json!({"open": true, "tools": ["pay_order"], "hidden": 2})
    );
    assert_eq!(
        allowed["tool"],
        json!({"allowed": true, "rule": "role `payer`, allow[0]"})
    );
    let refused = ask(question(5000)).await.data();
    let reason = refused["tool"]["reason"].as_str().unwrap();
    let client = McpClient::new(holder.clone(), "shop");
    let seen = client.call("pay_order", json!({"amount": 5000})).await;
    assert_eq!(seen["content"][0]["text"], reason, "a caller is told the same");
    let other =
        ask(json!({"key": "ann", "instance": "back", "tool": "drop_orders", "action": "admin/tds/read"}))
            .await
            .data();
    assert_eq!(other["instance"]["open"], false);
    assert_eq!(
        other["tool"]["reason"],
        "the key does not open the instance `back`"
    );
    assert_eq!(other["action"]["allowed"], false);
    // Of a role, without any key of it.
    let of_role = |amount: u32| {
        let mut asked = question(amount);
        asked.as_object_mut().unwrap().remove("key");
        asked["role"] = json!("payer");
        asked
    };
    for amount in [1, 5000] {
        let (mut of_key, of_role) = (
            ask(question(amount)).await.data(),
            ask(of_role(amount)).await.data(),
        );
        of_key.as_object_mut().unwrap().remove("key");
        assert_eq!(of_role, of_key);
    }
    let viewer = ask(json!({"role": "viewer", "action": "admin/tds/read"}))
        .await
        .data();
    assert_eq!(viewer["action"]["allowed"], true, "{viewer}");
    let missing = ask(json!({"role": "nobody"})).await.error(404);
    assert_eq!(missing, "there is no role `nobody`");
    ask(json!({"role": "payer", "key": "ann"})).await.error(400);
    ask(json!({})).await.error(400);
    let missing = ask(json!({"key": "bob"})).await.error(404);
    assert_eq!(missing, "no key has the id or the name `bob`");
    ask(json!({"key": "ann", "tool": "x"})).await.error(400);
    ask(json!({"key": "ann", "tol": "x"})).await.error(400);
    key(&app, json!({"name": "ann"})).await;
    ask(json!({"key": "ann"})).await.error(409);
    post(&holder, "/admin/access/explain", &question(1))
        .await
        .error(403);
}

/// A small generator: the same sets in each run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[tokio::test]
async fn what_is_listed_is_what_can_be_called_whatever_the_roles() {
    let app = shop().await;
    let names = ["get_order", "pay_order", "drop_orders"];
    let patterns = ["*", "get_*", "*_order", "drop_orders", "tag:read-only", "x"];
    let mut dice = Dice(7);
    let mut seen = [0; 4];
    put_role(&app, "one", json!({})).await;
    put_role(&app, "two", json!({})).await;
    let holder = key(&app, json!({"name": "k", "roles": ["one", "two"]})).await;
    let client = McpClient::new(holder, "shop");
    for _ in 0..1_000 {
        let mut rules = |most: usize| -> Value {
            let rules = (0..dice.throw(most + 1)).map(|_| {
                let action = ["*", "tools/call", "tools/*", "prompts/get"][dice.throw(4)];
                let mut rule = json!({"actions": [action]});
                if dice.throw(3) > 0 && action != "prompts/get" {
                    rule["tools"] = json!([patterns[dice.throw(6)], patterns[dice.throw(6)]]);
                }
                if dice.throw(3) == 0 {
                    let instance = ["shop", "back", "s*"][dice.throw(3)];
                    rule["instances"] = json!([instance]);
                }
                rule
            });
            rules.collect()
        };
        // One of the two changes, so that each set is another one.
        let role = json!({"allow": rules(3), "deny": rules(1)});
        put_role(&app, ["one", "two"][dice.throw(2)], role.clone()).await;
        let listed = client.modern("tools/list", json!({})).await;
        let shown: Vec<String> = match listed.status {
            200 => {
                let tools = listed.json()["result"]["tools"].as_array().unwrap().clone();
                tools
                    .iter()
                    .map(|tool| tool["name"].as_str().unwrap().to_owned())
                    .collect()
            }
            _ => Vec::new(),
        };
        for name in names {
            let called = client
                .modern("tools/call", json!({"name": name, "arguments": {}}))
                .await;
            let is_called = called.json()["result"]["isError"] == false;
            assert_eq!(
                shown.iter().any(|shown| shown == name),
                is_called,
                "{role}: {name}"
            );
        }
        seen[shown.len()] += 1;
    }
    assert!(
        seen.iter().all(|count| *count > 0),
        "every number of tools came up: {seen:?}"
    );
}

#[tokio::test]
async fn whoever_deletes_a_definition_is_told_who_goes_on_without_it() {
    let app = shop().await;
    put_role(
        &app,
        "base",
        json!({"deny": [{"actions": ["tools/call"], "tools": ["drop_*"]}]}),
    )
    .await;
    put_role(
        &app,
        "agent-1",
        json!({"inherits": ["base"], "allow": [{"actions": ["tools/call"]}]}),
    )
    .await;
    key(&app, json!({"name": "ann", "roles": ["base", "agent"]})).await;
    let upstream = json!({"id": "docs", "transport": "streamable_http", "url": "http://127.0.0.1:9/mcp"});
    app.admin().put("/admin/uds/docs", &upstream).await.ok();
    let desk = json!({"name": "desk", "tool_ids": [], "include": {"upstreams": ["docs"]}});
    app.admin().put("/admin/ids/desk", &desk).await.ok();

    let warnings = |answer: Answer| answer.json()["warnings"].as_array().cloned().unwrap_or_default();
    let told = warnings(app.admin().delete("/admin/roles/base").await.ok());
    assert_eq!(told.len(), 2, "{told:?}");
    let [held, inherited] = [&told[0], &told[1]].map(|warning| warning.as_str().unwrap().to_owned());
    assert!(
        held.contains("these keys have it: `") && held.ends_with("what it refused is not refused"),
        "{held}"
    );
    assert!(
        inherited.contains("these roles inherit it: `agent-1`; keys that have one of them are closed"),
        "{inherited}"
    );
    let told = warnings(app.admin().delete("/admin/uds/docs").await.ok());
    assert!(
        told[0]
            .as_str()
            .unwrap()
            .contains("these instances show what it offers: `desk`"),
        "{told:?}"
    );
    let told = warnings(app.admin().delete("/admin/tds/drop_orders").await.ok());
    assert!(
        told[0]
            .as_str()
            .unwrap()
            .contains("these instances still list it: `back`, `shop`"),
        "{told:?}"
    );
    assert!(warnings(app.admin().delete("/admin/roles/agent-1").await.ok()).is_empty());
}

#[tokio::test]
async fn a_circle_of_roles_is_told_to_whoever_writes_it_and_whoever_looks_for_what_cannot_be_used() {
    let app = shop().await;
    let allow = json!([{"actions": ["tools/call"]}]);
    put_role(&app, "a", json!({"inherits": ["b"], "allow": allow})).await;
    let quarantined = async || app.admin().get("/admin/quarantine").await.data();
    assert_eq!(quarantined().await, json!([]));
    let wanted = json!({
        "definitions": [{"kind": "roles", "id": "b", "place": "b.yaml:1", "document": {"inherits": ["a"]}}],
        "options": {"owner": "team"},
    });
    let plan = post(&app.admin(), "/admin/plan", &wanted).await.data();
    let circle = "roles inherit each other in a circle: b → a → b";
    assert!(plan["warnings"].to_string().contains(circle), "{plan}");

    let closing = json!({"inherits": ["a"]});
    let answer = app.admin().put("/admin/roles/b", &closing).await.ok().json();
    assert!(
        answer["warnings"][0].as_str().unwrap().contains(circle),
        "{answer}"
    );
    let found = quarantined().await;
    let ids: Vec<_> = found.as_array().unwrap().iter().map(|bad| &bad["id"]).collect();
    assert_eq!(ids, ["a", "b"], "{found}");
    assert!(found[1]["reason"].as_str().unwrap().contains(circle), "{found}");
    assert_eq!(app.admin().get("/admin/status").await.data()["quarantined"], 2);
    put_role(&app, "b", json!({"allow": allow})).await;
    assert_eq!(quarantined().await, json!([]));
}

#[tokio::test]
async fn whoever_writes_a_key_is_told_of_roles_that_nobody_has_written() {
    let app = shop().await;
    put_role(&app, "agent-1", json!({"allow": [{"actions": ["tools/call"]}]})).await;
    let wanted = json!({"name": "ann", "roles": ["agent-1", "agnet-1", "viewer"]});
    let answer = post(&app.admin(), "/admin/keys", &wanted).await.ok().json();
    let warnings = answer["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.starts_with("roles[1]: there is no role `agnet-1`"),
        "{warning}"
    );
}
