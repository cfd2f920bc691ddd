//! Tools and instances change; what is served follows, and what was good is never lost in silence.

use super::{instance, listed, orders, put_orders, schema};
use crate::test_app::{TestApp, eventually};
use mcp_common::key::Key;
use serde_json::json;

#[tokio::test]
async fn changes_of_either_are_live() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    put_orders(&app, &upstream, schema(), json!({})).await;
    let call = async |arguments| {
        let result = app.mcp("i").call("orders", arguments).await;
        assert_eq!(result["isError"], false, "{result}");
        let seen = upstream.last();
        format!("{}?{}", seen.path, seen.query.unwrap_or_default())
    };
    app.admin()
        .put(
            "/admin/ids/i",
            &instance(json!({"defaults": {"region": "eu"}, "hide": ["region"]})),
        )
        .await
        .ok();
    assert_eq!(call(json!({"q": "x"})).await, "/eu/orders?q=x");
    app.admin()
        .put(
            "/admin/ids/i",
            &instance(json!({"defaults": {"region": "us"}, "hide": ["region"]})),
        )
        .await
        .ok();
    assert_eq!(call(json!({"q": "x"})).await, "/us/orders?q=x");

    let mut other = schema();
    other["properties"]["page"] = json!({"type": "integer"});
    put_orders(&app, &upstream, other, json!({"path": "/v2/{region}/orders"})).await;
    assert_eq!(
        call(json!({"q": "x", "page": 2})).await,
        "/v2/us/orders?q=x&page=2"
    );
    let names: Vec<String> = listed(&app, "i").await["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["q", "limit", "page"]);

    app.admin().put("/admin/ids/i", &instance(json!({}))).await.ok();
    assert_eq!(call(json!({"q": "x", "region": "eu"})).await, "/v2/eu/orders?q=x");
}

#[tokio::test]
async fn a_tool_that_would_not_fit_any_more_is_refused_and_the_instance_named() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    put_orders(&app, &upstream, schema(), json!({})).await;
    app.admin()
        .put(
            "/admin/ids/i",
            &instance(json!({"defaults": {"region": "eu"}, "hide": ["region"]})),
        )
        .await
        .ok();
    let mut narrowed = schema();
    narrowed["properties"]["region"] = json!({"enum": ["us"]});
    let text = app
        .admin()
        .put("/admin/tds/orders", &orders(&upstream, narrowed, json!({})))
        .await
        .error(409);
    assert!(
        text.starts_with("in the instance `i` the tool `orders` does not fit: tool_ids[0].defaults.region: does not fit the tool's input_schema"),
        "{text}"
    );
    assert_eq!(listed(&app, "i").await["required"], json!(["q"]));
}

#[tokio::test]
async fn straight_from_the_store_the_last_good_tool_stays_in_that_instance_and_is_reported() {
    let mut app = TestApp::sqlite().await;
    let upstream = app.upstream().await;
    put_orders(&app, &upstream, schema(), json!({})).await;
    app.put_tool("plain", &upstream, "GET", "/plain", json!({})).await;
    let mut document = instance(json!({"defaults": {"region": "eu"}, "hide": ["region"]}));
    document["tool_ids"].as_array_mut().unwrap().push(json!("plain"));
    app.admin().put("/admin/ids/i", &document).await.ok();
    app.put_instance("other", &["orders"]).await;
    let before = listed(&app, "i").await;

    let mut renamed = schema();
    renamed["properties"] = json!({"zone": {}, "q": {"type": "string"}});
    renamed["required"] = json!(["zone"]);
    let changed = orders(&upstream, renamed, json!({"path": "/{zone}/orders"}));
    let revision = app.store(Key::tool("orders"), &changed.to_string()).await;
    // Other instances have the new one; this one serves what it can.
    assert_eq!(listed(&app, "other").await["required"], json!(["zone"]));
    assert_eq!(listed(&app, "i").await, before);
    let result = app.mcp("i").call("orders", json!({"q": "x"})).await;
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(upstream.last().path, "/eu/orders");
    let quarantine = app.admin().get("/admin/quarantine").await.data();
    assert_eq!(
        (&quarantine[0]["id"], &quarantine[0]["revision"]),
        (&json!("i"), &json!(revision))
    );
    let reason = quarantine[0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the tool `orders` does not fit: tool_ids[0].defaults.region: the tool's input_schema has no property `region`"),
        "{reason}"
    );

    // A fresh start has nothing good to keep: the tool is left out, the others are there.
    app.restart().await;
    assert_eq!(app.mcp("i").tool_names().await, ["plain"]);
    assert_eq!(
        app.admin()
            .get("/admin/quarantine")
            .await
            .data()
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // The instance is repaired.
    document["tool_ids"][0] = json!({"id": "orders", "defaults": {"zone": "eu"}});
    app.admin().put("/admin/ids/i", &document).await.ok();
    assert_eq!(app.mcp("i").tool_names().await, ["orders", "plain"]);
    assert_eq!(app.admin().get("/admin/quarantine").await.data(), json!([]));
}

#[tokio::test]
async fn mirrored_headers_are_those_of_what_is_listed() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let mut mirrored = schema();
    mirrored["properties"]["region"] = json!({"type": "string", "x-mcp-header": "Region"});
    put_orders(&app, &upstream, mirrored, json!({})).await;
    let call = async |arguments| {
        let params = json!({"name": "orders", "arguments": arguments});
        app.mcp("i").modern("tools/call", params).await
    };
    app.admin()
        .put("/admin/ids/i", &instance(json!({"defaults": {"region": "eu"}})))
        .await
        .ok();
    assert_eq!(
        listed(&app, "i").await["properties"]["region"]["x-mcp-header"],
        "Region"
    );
    // The header says what the client sends, and nothing where it sends nothing.
    call(json!({"q": "x", "region": "us"})).await.expect(400);
    assert_eq!(
        call(json!({"q": "x"})).await.ok().json()["result"]["isError"],
        false
    );
    app.admin()
        .put(
            "/admin/ids/i",
            &instance(json!({"defaults": {"region": "eu"}, "hide": ["region"]})),
        )
        .await
        .ok();
    assert_eq!(
        call(json!({"q": "x"})).await.ok().json()["result"]["isError"],
        false
    );
    assert_eq!(upstream.last().path, "/eu/orders");
}

#[tokio::test]
async fn a_document_that_does_not_fit_waits_until_it_does() {
    let app = TestApp::sqlite().await;
    let upstream = app.upstream().await;
    put_orders(&app, &upstream, schema(), json!({})).await;
    app.admin()
        .put("/admin/ids/i", &instance(json!({"name": "old"})))
        .await
        .ok();
    let waiting = instance(json!({"name": "new", "defaults": {"page": 1}}));
    app.store(Key::instance("i"), &waiting.to_string()).await;
    assert_eq!(app.mcp("i").tool_names().await, ["old"]);
    let mut grown = schema();
    grown["properties"]["page"] = json!({"type": "integer"});
    put_orders(&app, &upstream, grown, json!({})).await;
    assert_eq!(app.mcp("i").tool_names().await, ["new"]);
    assert_eq!(
        listed(&app, "i").await["properties"]["page"],
        json!({"type": "integer", "default": 1})
    );
    assert_eq!(app.admin().get("/admin/quarantine").await.data(), json!([]));
}

#[tokio::test]
async fn replicas_show_the_same_bytes() {
    let first = TestApp::sqlite().await;
    let file = first.directory().join("definitions.db");
    let second = TestApp::with(&[
        ("app.data_source", "sqlite"),
        ("data_source.sqlite.path", file.to_str().unwrap()),
    ])
    .await;
    let upstream = first.upstream().await;
    put_orders(
        &first,
        &upstream,
        schema(),
        json!({"headers": {"X": "{{ instance.vars.x }}"}}),
    )
    .await;
    let mut revision = 0;
    for (region, hidden) in [("eu", true), ("us", false), ("us", true)] {
        let hide = if hidden { json!(["region"]) } else { json!([]) };
        let mut document = instance(json!({"defaults": {"region": region, "limit": 3}, "hide": hide}));
        document["vars"] = json!({"x": region});
        revision = first.admin().put("/admin/ids/i", &document).await.ok().revision();
        second
            .admin()
            .get(&format!("/admin/status?wait_revision={revision}"))
            .await
            .ok();
        let list = async |app: &TestApp| app.mcp("i").modern("tools/list", json!({})).await.ok().text;
        assert_eq!(list(&first).await, list(&second).await);
        let call = async |app: &TestApp| {
            app.mcp("i").call("orders", json!({"q": "x"})).await;
            let seen = upstream.last();
            (seen.path, seen.query, seen.headers["x"].clone())
        };
        assert_eq!(call(&first).await, call(&second).await);
    }
    eventually("both are there", || {
        second.app().catalog.snapshot().revision >= revision
    })
    .await;
}

#[tokio::test]
async fn an_instance_that_is_asked_for_explains_the_tool_as_it_has_it() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    put_orders(&app, &upstream, schema(), json!({})).await;
    app.admin()
        .put(
            "/admin/ids/i",
            &instance(json!({"defaults": {"region": "eu"}, "hide": ["region"]})),
        )
        .await
        .ok();
    let explain = async |body: serde_json::Value| {
        let request = app
            .admin()
            .request(reqwest::Method::POST, "/admin/tds/orders/explain");
        app.admin().send(request.body(body.to_string())).await.data()
    };
    let explained = explain(json!({"instance": "i", "arguments": {"q": "x"}})).await;
    assert_eq!(explained["valid"], true, "{explained}");
    assert_eq!(
        explained["request"]["url"],
        format!("{}/eu/orders?q=x", upstream.origin())
    );
    let refused = explain(json!({"instance": "i", "arguments": {"q": "x", "region": "us"}})).await;
    assert_eq!(refused["valid"], false);
    let reason = refused["problems"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("'region' was unexpected"), "{refused}");
    // The only one that has the tool need not be named.
    let unnamed = explain(json!({"arguments": {"q": "x"}})).await;
    assert_eq!((&unnamed, &unnamed["instance"]), (&explained, &json!("i")));
    let own = explain(json!({"instance": "", "arguments": {"q": "x", "region": "us"}})).await;
    assert_eq!(
        own["request"]["url"],
        format!("{}/us/orders?q=x", upstream.origin())
    );
    assert!(own["instance"].is_null(), "{own}");
}

#[tokio::test]
async fn an_explanation_names_the_instance_as_the_source_of_what_it_gives() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let params = json!([{"name": "unit", "in": "query", "const": "{{ instance.vars.unit }}"}]);
    let headers =
        json!({"X-Place": "{{ args.region }}/{{ instance.vars.desk.name }}", "X-Who": "{{ principal.sub }}"});
    put_orders(
        &app,
        &upstream,
        schema(),
        json!({"params": params, "headers": headers}),
    )
    .await;
    let admin = app.admin();
    let mut document = instance(json!({"defaults": {"region": "eu", "limit": 3}, "hide": ["region"]}));
    document["vars"] = json!({"unit": "EU-17", "desk": {"name": "first"}});
    admin.put("/admin/ids/b", &document).await.ok();
    document["tool_ids"] = json!([{"id": "orders"}]);
    document["vars"]["unit"] = json!("all");
    admin.put("/admin/ids/a", &document).await.ok();

    let explain = async |body: serde_json::Value| {
        let request = admin.request(reqwest::Method::POST, "/admin/tds/orders/explain");
        admin.send(request.body(body.to_string())).await.ok()
    };
    let rows = |answer: &serde_json::Value| -> Vec<String> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        let placements = answer["placements"].as_array().unwrap().iter();
        placements
            .map(|p| {
                [&p["as"], &p["source"], &p["written"], &p["given_by"]]
                    .map(text)
                    .join(" | ")
            })
            .collect()
    };
    let b = explain(json!({"instance": "b", "arguments": {"q": "x", "limit": 2}})).await;
    assert!(b.warnings().is_empty(), "{}", b.text);
    let b = b.data();
    assert_eq!(
        rows(&b),
        [
            "{region} | instance | eu | IDS `b`: defaults",
            "unit | const | unit=EU-17 | IDS `b`: vars.unit",
            "q | argument | q=x | -",
            "limit | argument | limit=2 | -",
            "X-Place | template | eu/first | IDS `b`: defaults, vars.desk.name",
            "X-Who | template | admin | -",
        ]
    );
    let given = rows(
        &explain(json!({"instance": "b", "arguments": {"q": "x"}}))
            .await
            .data(),
    );
    assert!(
        given.contains(&"limit | instance | limit=3 | IDS `b`: defaults".to_owned()),
        "{given:?}"
    );

    // Several have it: the first one is taken, and that others may differ is said.
    let first = explain(json!({"arguments": {"q": "x", "region": "us"}})).await;
    let warnings = first.warnings();
    let first = first.data();
    assert_eq!(first["instance"], "a");
    let said =
        "instance: 2 instances have this tool and may give it other values; this is the call through IDS `a`";
    assert!(
        warnings.len() == 1 && warnings[0].starts_with(said),
        "{warnings:?}"
    );
    assert_eq!(rows(&first)[0], "{region} | argument | us | -");
}

#[tokio::test]
async fn values_of_an_instance_in_groups_are_told_from_those_of_the_caller() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let schema = json!({"type": "object", "properties": {
        "query": {"type": "object", "properties": {"a": {}, "b": {}}},
        "body": {"type": "object", "properties": {"c": {}, "d": {}}}}});
    let binding = json!({"domain": upstream.origin(), "method": "POST", "path": "/x"});
    let tool =
        json!({"name": "orders", "description": "D.", "input_schema": schema, "tds_ext_info": binding});
    let admin = app.admin();
    admin.put("/admin/tds/orders", &tool).await.ok();
    let defaults = json!({"defaults": {"/query/a": 1, "/body/c": "eu"}});
    admin.put("/admin/ids/i", &instance(defaults)).await.ok();
    let request = admin.request(reqwest::Method::POST, "/admin/tds/orders/explain");
    let asked = json!({"arguments": {"query": {"b": 2}, "body": {"d": 4}}}).to_string();
    let explained = admin.send(request.body(asked)).await.data();
    let told: Vec<_> = explained["placements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| json!([p["arguments"][0], p["source"], p["given_by"]]))
        .collect();
    let expected = json!([
        ["/query/b", "argument", null],
        ["/query/a", "instance", "IDS `i`: defaults"],
        ["/body", "argument", "IDS `i`: defaults of /body/c"],
    ]);
    assert_eq!(json!(told), expected);
}
