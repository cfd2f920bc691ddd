//! Secrets of the store: written and never read, used by whom they are for, live from the next call on.

mod planned;

use crate::test_app::{Answer, Client, TestApp, Upstream, eventually};
use mcp_common::{
    datasource::{Expected, Write},
    key::Key,
};
use reqwest::Method;
use serde_json::{Value, json};

const VALUE: &str = "tr0ub4dor-and-3";
const FIRST: &str = "the first key of these tests which is long enough";
const SECOND: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn gateway() -> TestApp {
    TestApp::with(&[("secrets.key", SECOND)]).await
}

fn secret(value: &str) -> Value {
    json!({"value": value, "description": "The key of billing", "usable_by": {"tools": ["billing_*"]}})
}

fn tool(upstream: &Upstream, id: &str, name: &str) -> Value {
    let auth = json!({"type": "bearer", "credential": format!("${{secret:{name}}}")});
    json!({
        "name": id, "description": "Billing.", "input_schema": {"type": "object"},
        "tds_ext_info": {"domain": upstream.origin(), "method": "GET", "path": "/bills", "auth": auth},
    })
}

#[tokio::test]
async fn a_value_is_used_from_the_next_call_on_and_nothing_shows_it() {
    let app = gateway().await;
    let admin = app.admin();
    let upstream = app.upstream().await;
    let stored = admin.put("/admin/secrets/billing", &secret(VALUE)).await.ok();
    assert!(stored.warnings().is_empty(), "{}", stored.text);
    let first = stored.json();
    assert!(
        first["data"]["key_version"]
            .as_str()
            .is_some_and(|version| version.len() == 12),
        "{first}"
    );
    assert!(
        first["data"]["created_at"].is_string() && first["data"]["value_at"].is_string(),
        "{first}"
    );
    admin
        .put(
            "/admin/tds/billing_get",
            &tool(&upstream, "billing_get", "billing"),
        )
        .await
        .ok();
    app.put_instance("desk", &["billing_get"]).await;
    let call = async || {
        let result = app.mcp("desk").call("billing_get", json!({})).await;
        assert_eq!(result["isError"], false, "{result}");
        upstream.last().headers["authorization"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(call().await, format!("Bearer {VALUE}"));

    let changed = format!("{VALUE}-2");
    admin.put("/admin/secrets/billing", &secret(&changed)).await.ok();
    assert_eq!(call().await, format!("Bearer {changed}"));
    // Without a value the one that is there stays.
    let described = json!({"description": "Another text", "usable_by": {"tools": ["billing_get"]}});
    let kept = admin.put("/admin/secrets/billing", &described).await.ok().json();
    assert_eq!(kept["data"]["description"], "Another text");
    assert_eq!(call().await, format!("Bearer {changed}"));
    let revision = first["revision"].as_u64().unwrap();
    let back = post(
        &admin,
        "/admin/secrets/billing/rollback",
        &json!({"revision": revision}),
    )
    .await
    .ok();
    assert_eq!(call().await, format!("Bearer {VALUE}"));

    let wanted = json!({"definitions": [{"kind": "secrets", "id": "billing", "document": secret("tr0ub4dor-planned")}], "options": {"diff": true}});
    let plan = post(&admin, "/admin/plan", &wanted).await.ok();
    assert_eq!(
        plan.json()["data"]["changed"],
        json!(["secrets/billing"]),
        "{}",
        plan.text
    );
    let explained = post(
        &admin,
        "/admin/tds/billing_get/explain",
        &json!({"arguments": {}, "send": true}),
    )
    .await
    .ok();
    assert!(explained.text.contains("${secret:billing}"), "{}", explained.text);
    let mut shown = vec![stored.text, back.text, plan.text, explained.text, app.metrics()];
    let diff = format!("/admin/secrets/billing/history/{revision}/diff");
    for path in [
        "/admin/secrets",
        "/admin/secrets/billing",
        "/admin/secrets/billing/history",
        &diff,
        "/admin/export",
        "/admin/quarantine",
        "/admin/status",
        "/admin/tds/billing_get",
    ] {
        shown.push(admin.get(path).await.ok().text);
    }
    for text in shown {
        assert!(!text.contains("tr0ub4dor"), "{text}");
        assert!(!text.contains("\"sealed\":"), "{text}");
    }
    let exported = admin.get("/admin/export").await.ok();
    assert!(
        exported.warnings()[0].starts_with("the values of 1 secrets are not in it"),
        "{}",
        exported.text
    );
    // What was exported says the same, and its value stays.
    let mut document = exported.json()["data"]["secrets"][0].clone();
    document.as_object_mut().unwrap().remove("id");
    let wanted = json!({"definitions": [{"kind": "secrets", "id": "billing", "document": document}]});
    let plan = post(&admin, "/admin/plan", &wanted).await.ok().data();
    assert_eq!(plan["unchanged"], json!(["secrets/billing"]), "{plan}");
}

#[tokio::test]
async fn only_those_name_it_that_it_is_for() {
    let app = gateway().await;
    let admin = app.admin();
    let upstream = app.upstream().await;
    let refused = admin
        .put(
            "/admin/tds/billing_get",
            &tool(&upstream, "billing_get", "billing"),
        )
        .await
        .error(400);
    assert_eq!(
        refused,
        "tds_ext_info.auth: ${secret:billing} is not there: no secret `billing` is stored"
    );
    let nobody = admin
        .put("/admin/secrets/billing", &json!({"value": VALUE}))
        .await
        .ok();
    assert!(
        nobody.warnings()[0].starts_with("usable_by: no definition may name this secret"),
        "{}",
        nobody.text
    );
    let refused = admin
        .put(
            "/admin/tds/billing_get",
            &tool(&upstream, "billing_get", "billing"),
        )
        .await
        .error(400);
    assert!(
        refused.contains("may not be used here") && refused.contains("`usable_by`"),
        "{refused}"
    );
    admin.put("/admin/secrets/billing", &secret(VALUE)).await.ok();
    admin
        .put(
            "/admin/tds/billing_get",
            &tool(&upstream, "billing_get", "billing"),
        )
        .await
        .ok();
    let other = tool(&upstream, "steal", "billing");
    let refused = admin.put("/admin/tds/steal", &other).await.error(400);
    assert!(!refused.contains(VALUE), "{refused}");
    let wanted = json!({"definitions": [{"kind": "tds", "id": "steal", "document": other}]});
    let planned = post(&admin, "/admin/apply", &wanted).await.error(400);
    assert!(planned.contains("may not be used here"), "{planned}");
    // Past the gateway: in quarantine.
    app.put_instance("desk", &["billing_get", "steal"]).await;
    app.store(Key::tool("steal"), &other.to_string()).await;
    assert_eq!(app.mcp("desk").tool_names().await, ["billing_get"]);
    let quarantine = admin.get("/admin/quarantine").await.ok();
    assert!(
        quarantine.text.contains("may not be used here"),
        "{}",
        quarantine.text
    );

    // A service's credential goes where the service's document says.
    let service = json!({"protocol": "http", "url": upstream.origin(), "auth": {"type": "api_key", "credential": "${secret:billing}"}});
    let refused = admin.put("/admin/uds/billing", &service).await.error(400);
    assert!(
        refused.starts_with("auth: ${secret:billing} may not be used here"),
        "{refused}"
    );
    let both = json!({"usable_by": {"tools": ["billing_get"], "upstreams": ["billing"]}});
    admin.put("/admin/secrets/billing", &both).await.ok();
    admin.put("/admin/uds/billing", &service).await.ok();
    let of_service = json!({
        "name": "bills", "description": "Bills.", "input_schema": {"type": "object"},
        "tds_ext_info": {"upstream": "billing", "method": "GET", "path": "/bills"},
    });
    admin.put("/admin/tds/bills", &of_service).await.ok();
    app.put_instance("service", &["bills"]).await;
    assert_eq!(
        app.mcp("service").call("bills", json!({})).await["isError"],
        false
    );
    assert_eq!(upstream.last().headers["x-api-key"], VALUE);

    // Who writes it is told what it closes out.
    let closed = admin
        .put(
            "/admin/secrets/billing",
            &json!({"usable_by": {"upstreams": ["billing"]}}),
        )
        .await
        .ok();
    assert!(
        closed
            .warnings()
            .concat()
            .contains("TDS `billing_get` cannot be used any more"),
        "{}",
        closed.text
    );
    assert!(app.mcp("desk").tool_names().await.is_empty());
    let deleted = admin.delete("/admin/secrets/billing?dry_run=true").await.ok();
    assert!(
        deleted.text.contains("these upstreams name it: `billing`"),
        "{}",
        deleted.text
    );
}

#[tokio::test]
async fn what_is_no_secret_is_refused_and_not_repeated() {
    let app = gateway().await;
    let admin = app.admin();
    for (document, expected) in [
        (json!({"value": 4711}), "value: must be a text"),
        (json!({"value": ""}), "value: must not be empty"),
        (
            json!({"value": VALUE.repeat(7_000)}),
            "a secret has at most 65536",
        ),
        (json!({"description": "x"}), "value: is missing"),
        (
            json!({"value": VALUE, "usable_by": {"everybody": true}}),
            "everybody",
        ),
        (json!({"value": VALUE, "hosts": ["x"]}), "hosts"),
        (
            json!({"sealed": VALUE, "key_version": "x"}),
            "sealed: is no ciphertext",
        ),
    ] {
        let answer = admin.put("/admin/secrets/x", &document).await;
        assert!(
            !answer.text.contains(VALUE) && !answer.text.contains("4711"),
            "{}",
            answer.text
        );
        let refused = answer.error(400);
        assert!(refused.contains(expected), "{refused}");
    }
    // A value that lacks its braces.
    let bare = admin.put("/admin/secrets/x", &json!(VALUE)).await;
    assert!(!bare.text.contains(VALUE), "{}", bare.text);
    assert!(bare.error(400).contains("expected a JSON object"));
    let definition = json!({"kind": "secret", "id": "x", "document": VALUE});
    let planned = post(&admin, "/admin/plan", &json!({"definitions": [definition]})).await;
    assert!(!planned.text.contains(VALUE), "{}", planned.text);
    assert!(
        admin
            .put("/admin/secrets/a%20b", &secret(VALUE))
            .await
            .error(400)
            .contains("id: must have")
    );
    // A value that cannot stand in a header is found where it should: nothing is sent, and nothing of it is said.
    let upstream = app.upstream().await;
    admin
        .put(
            "/admin/secrets/billing",
            &secret(&format!("{VALUE}\r\nX-Evil: 1")),
        )
        .await
        .ok();
    admin
        .put(
            "/admin/tds/billing_get",
            &tool(&upstream, "billing_get", "billing"),
        )
        .await
        .ok();
    app.put_instance("desk", &["billing_get"]).await;
    let result = app.mcp("desk").call("billing_get", json!({})).await;
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        result["isError"] == true && text.contains("nothing was sent") && !text.contains(VALUE),
        "{result}"
    );
    assert!(upstream.requests().is_empty());

    let without = TestApp::start().await;
    let refused = without
        .admin()
        .put("/admin/secrets/x", &secret(VALUE))
        .await
        .error(400);
    assert!(
        refused.starts_with("value: cannot be encrypted: no key is configured"),
        "{refused}"
    );
    // Whoever may write tools may not give secrets to them.
    let editor = post(
        &app.admin(),
        "/admin/keys",
        &json!({"name": "ed", "roles": ["editor"]}),
    )
    .await
    .ok()
    .data();
    let editor = Client::new(app.address(), editor["key"].as_str().map(str::to_owned));
    assert_eq!(editor.put("/admin/secrets/y", &secret(VALUE)).await.status, 403);
    assert_eq!(editor.get("/admin/secrets/billing").await.status, 200);
}

#[tokio::test]
async fn with_another_key_the_gateway_stays_up_and_says_what_is_closed() {
    let mut app = TestApp::with(&[("app.data_source", "sqlite"), ("secrets.key", FIRST)]).await;
    let upstream = app.upstream().await;
    for name in ["billing", "shipping"] {
        app.admin()
            .put(&format!("/admin/secrets/{name}"), &secret(VALUE))
            .await
            .ok();
    }
    app.admin()
        .put(
            "/admin/tds/billing_get",
            &tool(&upstream, "billing_get", "billing"),
        )
        .await
        .ok();
    app.put_tool("plain", &upstream, "GET", "/", json!({})).await;
    app.put_instance("desk", &["billing_get", "plain"]).await;
    app.configure("secrets.key", SECOND);
    app.restart().await;
    assert_eq!(app.mcp("desk").tool_names().await, ["plain"]);
    let quarantine = app.admin().get("/admin/quarantine").await.ok();
    assert!(
        quarantine
            .text
            .contains("cannot be opened: it is encrypted with the key `")
            && !quarantine.text.contains("SDS"),
        "{}",
        quarantine.text
    );
    // Both keys, the new one first: any write encrypts with it, and then it is enough.
    let both = format!("{SECOND},{FIRST}");
    app.configure("secrets.key", &both);
    app.restart().await;
    assert_eq!(app.mcp("desk").tool_names().await, ["billing_get", "plain"]);
    let before = app.admin().get("/admin/secrets/billing").await.data();
    let mut document = before.clone();
    document.as_object_mut().unwrap().remove("revision");
    let after = app
        .admin()
        .put("/admin/secrets/billing", &document)
        .await
        .ok()
        .data();
    assert_ne!(after["key_version"], before["key_version"]);
    assert_eq!(after["value_at"], before["value_at"]);
    app.configure("secrets.key", SECOND);
    app.restart().await;
    let result = app.mcp("desk").call("billing_get", json!({})).await;
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(
        upstream.last().headers["authorization"],
        format!("Bearer {VALUE}")
    );
    let kept = app
        .admin()
        .put("/admin/secrets/shipping", &json!({"description": "x"}))
        .await
        .ok();
    assert!(
        kept.warnings().concat().contains("value: cannot be opened"),
        "{}",
        kept.text
    );

    // Ciphertexts are those of their names, and of one piece.
    let row = |name: &str| {
        let app = &app;
        let name = name.to_owned();
        async move {
            let load = app.app().source.load().await.unwrap();
            let record = load
                .records
                .into_iter()
                .find(|record| record.key == Key::secret(name.as_str()));
            serde_json::from_slice::<Value>(&record.unwrap().body).unwrap()
        }
    };
    app.admin()
        .put("/admin/secrets/other", &secret("another-value"))
        .await
        .ok();
    let mut billing = row("billing").await;
    billing["sealed"] = row("other").await["sealed"].clone();
    app.store(Key::secret("billing"), &billing.to_string()).await;
    assert_eq!(app.mcp("desk").tool_names().await, ["plain"]);
    let quarantine = app.admin().get("/admin/quarantine").await.ok();
    assert!(
        quarantine.text.contains("or is that of another secret"),
        "{}",
        quarantine.text
    );
    billing["sealed"] = json!(billing["sealed"].as_str().unwrap()[..12]);
    app.store(Key::secret("billing"), &billing.to_string()).await;
    let quarantine = app.admin().get("/admin/quarantine").await.ok();
    assert!(
        quarantine.text.contains("sealed: is no whole ciphertext"),
        "{}",
        quarantine.text
    );
    app.admin()
        .put("/admin/secrets/billing", &secret(VALUE))
        .await
        .ok();
    assert_eq!(app.mcp("desk").tool_names().await, ["billing_get", "plain"]);
}

#[tokio::test]
async fn a_write_without_a_value_never_brings_an_earlier_one_back() {
    let app = gateway().await;
    let admin = app.admin();
    let key = Key::secret("billing");
    let mut stored = Vec::new();
    for value in ["first", "second"] {
        admin.put("/admin/secrets/billing", &secret(value)).await.ok();
        let entry = app.app().catalog.snapshot().find(&key).unwrap();
        let document: Value = serde_json::from_str(&entry.document.to_json()).unwrap();
        stored.push(document);
    }
    for _ in 0..20 {
        app.store(key.clone(), &stored[0].to_string()).await;
        // Another replica writes a new value, and this one may not know it yet.
        let write = Write {
            key: &key,
            expected: Expected::Any,
            principal: "another",
        };
        let body = stored[1].to_string().into();
        app.app().source.put(write, body).await.unwrap();
        let described = json!({"description": "x", "usable_by": {"tools": ["billing_*"]}});
        let answer = admin.put("/admin/secrets/billing", &described).await;
        assert!([200, 409, 412].contains(&answer.status), "{}", answer.text);
        let load = app.app().source.load().await.unwrap();
        let record = load.records.iter().find(|record| record.key == key).unwrap();
        let now: Value = serde_json::from_slice(&record.body).unwrap();
        assert_eq!(now["sealed"], stored[1]["sealed"], "{}", answer.text);
    }
}

#[tokio::test]
async fn probes_of_a_signed_service_are_signed() {
    let app = gateway().await;
    let admin = app.admin();
    let upstream = app.upstream().await;
    let key = json!({"value": VALUE, "usable_by": {"upstreams": ["billing"]}});
    admin.put("/admin/secrets/billing", &key).await.ok();
    let service = json!({
        "protocol": "http",
        "endpoints": [{"url": upstream.origin()}],
        "auth": {"type": "hmac", "key": "${secret:billing}", "message": "{method}{target}"},
        "health": {"enabled": true, "interval_seconds": 1, "path": "/health"},
    });
    admin.put("/admin/uds/billing", &service).await.ok();
    eventually("it is probed", || !upstream.requests().is_empty()).await;
    let probe = upstream.last();
    assert_eq!(probe.path, "/health");
    assert_eq!(probe.headers["x-signature"].len(), 64, "{:?}", probe.headers);
}
