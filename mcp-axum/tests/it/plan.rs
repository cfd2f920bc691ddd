//! Definitions that are kept elsewhere: planned, applied and exported through the admin API.

use crate::test_app::{Answer, Client, TestApp};
use mcp_common::key::Key;
use reqwest::Method;
use serde_json::{Value, json};

fn tool(id: &str, name: &str, tag: &str) -> Value {
    json!({"kind": "tds", "id": id, "place": format!("{id}.yaml:1"), "document": {
        "name": name, "description": "A tool.", "tags": [tag], "note": 123_456,
        "tds_ext_info": {"domain": "127.0.0.1:1", "method": "GET", "path": "/"}}})
}

fn instance(id: &str, tag: &str) -> Value {
    json!({"kind": "ids", "id": id, "document": {"name": id, "include": {"tags": [tag]}}})
}

fn request(definitions: &[Value], options: Value) -> Value {
    json!({"definitions": definitions, "options": options})
}

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

#[tokio::test]
async fn what_is_planned_is_applied_and_then_there_is_nothing_to_do() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let wanted = request(
        &[instance("i", "x"), tool("b", "two", "x"), tool("a", "one", "x")],
        json!({"owner": "team"}),
    );
    let plan = post(&admin, "/admin/plan", &wanted).await.data();
    assert_eq!(plan["created"], json!(["tds/a", "tds/b", "ids/i"]));
    assert_eq!(plan["clients"][0]["appear"], json!(["one", "two"]));
    assert_eq!(plan["warnings"][0]["place"], "a.yaml:1");
    assert_eq!(
        admin.get("/admin/tds").await.data(),
        json!([]),
        "nothing was written"
    );

    let fingerprint = plan["fingerprint"].as_str().unwrap();
    let applied = post(&admin, &format!("/admin/apply?plan={fingerprint}"), &wanted)
        .await
        .ok();
    assert_eq!(applied.data()["created"], plan["created"]);
    assert_eq!(app.mcp("i").tool_names().await, ["one", "two"]);
    assert_eq!(admin.get("/admin/tds/a").await.data()["managed_by"], "team");

    let again = post(&admin, "/admin/apply", &wanted).await.ok();
    assert!(again.json()["revision"].is_null(), "{}", again.text);
    assert_eq!(again.data()["unchanged"].as_array().unwrap().len(), 3);
    // What the plan was made of is not there any more.
    let late = post(&admin, &format!("/admin/apply?plan={fingerprint}"), &wanted).await;
    assert!(late.error(409).contains("plan again"));
}

#[tokio::test]
async fn names_are_looked_at_as_a_whole_and_nothing_half_is_written() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let first = request(
        &[instance("i", "x"), tool("a", "one", "x"), tool("b", "two", "x")],
        json!({}),
    );
    post(&admin, "/admin/apply", &first).await.ok();

    // No single write could do this.
    let swapped = request(&[tool("a", "two", "x"), tool("b", "one", "x")], json!({}));
    let report = post(&admin, "/admin/apply", &swapped).await.ok().data();
    assert_eq!(report["changed"], json!(["tds/a", "tds/b"]));
    let noticed = &report["clients"][0]["changed"][0];
    assert_eq!(
        (&noticed["name"], &noticed["changes"][0]["text"]),
        (&json!("two"), &json!("is `a` now, it was `b`"))
    );
    assert_eq!(report["breaking"], false, "both take the same arguments");
    assert_eq!(app.mcp("i").tool_names().await, ["two", "one"]);

    let clash = request(&[tool("c", "three", "x"), tool("d", "three", "x")], json!({}));
    let report = post(&admin, "/admin/plan", &clash).await.ok().data();
    assert_eq!(report["problems"][0]["conflict"], true);
    assert_eq!(report["problems"][0]["place"], "c.yaml:1");
    let error = post(&admin, "/admin/apply", &clash).await.error(409);
    assert!(
        error.starts_with("nothing was written: c.yaml:1: ids/i: in the instance `i` the name `three`"),
        "{error}"
    );
    admin.get("/admin/tds/c").await.expect(404);

    let mut bad = tool("e", "no name", "x");
    bad["document"]["tds_ext_info"]["method"] = json!("CONNECT");
    let error = post(
        &admin,
        "/admin/apply",
        &request(&[tool("c", "three", "x"), bad], json!({})),
    )
    .await
    .error(400);
    assert!(
        error.starts_with("nothing was written: e.yaml:1: tds/e: name: has the character ' '"),
        "{error}"
    );
    let twice = request(&[tool("c", "three", "x"), tool("c", "four", "x")], json!({}));
    let error = post(&admin, "/admin/apply", &twice).await.error(400);
    assert!(error.contains("stands in c.yaml:1 already"), "{error}");
    admin.get("/admin/tds/c").await.expect(404);
}

#[tokio::test]
async fn what_somebody_else_maintains_is_left_alone() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let apply = async |definitions: &[Value], options: Value| {
        post(&admin, "/admin/apply", &request(definitions, options)).await
    };
    apply(
        &[tool("a", "a", "x"), tool("b", "b", "x")],
        json!({"owner": "one"}),
    )
    .await
    .ok();
    apply(&[tool("c", "c", "x")], json!({"owner": "two"})).await.ok();
    apply(&[tool("d", "d", "x")], json!({})).await.ok();

    let error = apply(&[tool("a", "changed", "x")], json!({"owner": "two"}))
        .await
        .error(409);
    assert!(
        error.contains("tds/a: managed_by: is maintained by `one`"),
        "{error}"
    );
    let error = apply(&[tool("a", "a", "x")], json!({})).await.error(409);
    assert!(error.contains("is maintained by `one`"), "{error}");

    let kept = apply(&[tool("a", "a", "x")], json!({"owner": "one"}))
        .await
        .ok()
        .data();
    assert_eq!(
        (&kept["removed"], &kept["skipped"][0]["operation"]),
        (&json!([]), &json!("tds/b"))
    );
    let pruned = apply(&[tool("a", "a", "x")], json!({"owner": "one", "prune": "owned"}))
        .await
        .ok()
        .data();
    assert_eq!(pruned["removed"], json!(["tds/b"]));
    let all = apply(&[tool("a", "a", "x")], json!({"owner": "one", "prune": "all"}))
        .await
        .ok()
        .data();
    assert_eq!(all["removed"], json!(["tds/d"]));
    assert_eq!(all["skipped"][0]["operation"], "tds/c");
    let taken = apply(&[tool("c", "c", "x")], json!({"owner": "one", "take_over": true}))
        .await
        .ok()
        .data();
    assert_eq!(taken["changes"][0]["members"], json!(["managed_by"]));

    for (options, expected) in [
        (json!({"prune": "owned"}), "options.prune: "),
        (json!({"owner": "a\nb"}), "options.owner: "),
        (json!({"prune": "some"}), "the body must be"),
        (json!({"purne": "all"}), "unknown field `purne`"),
    ] {
        let error = apply(&[], options).await.error(400);
        assert!(error.contains(expected), "{error}");
    }
    post(&app.user(), "/admin/apply", &request(&[], json!({})))
        .await
        .error(403);
}

#[tokio::test]
async fn what_is_stored_and_cannot_be_used_is_a_problem_although_nothing_of_it_changes() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let mut bad = tool("bad", "bad", "x");
    bad["document"]["tds_ext_info"]["method"] = json!("CONNECT");
    app.store(Key::tool("bad"), &bad["document"].to_string()).await;
    let exported = admin.get("/admin/export").await.data()["tds"][0].clone();
    let refused = admin
        .put("/admin/tds/bad?dry_run=true", &bad["document"])
        .await
        .error(400);

    let as_stored = request(std::slice::from_ref(&bad), json!({}));
    let plan = post(&admin, "/admin/plan", &as_stored).await.ok().data();
    assert_eq!(plan["unchanged"], json!(["tds/bad"]), "{plan}");
    let problem = &plan["problems"][0];
    assert_eq!(
        (&problem["definition"], &problem["place"], &problem["conflict"]),
        (&json!("tds/bad"), &json!("bad.yaml:1"), &json!(false))
    );
    let (field, reason) = (
        problem["field"].as_str().unwrap(),
        problem["reason"].as_str().unwrap(),
    );
    assert!(
        refused.contains(&format!("{field}: {reason}")),
        "a write says the same: {refused}"
    );
    // So does what was exported, and nothing beside it is written.
    let back = json!({"kind": "tds", "id": "bad", "document": exported});
    let error = post(
        &admin,
        "/admin/apply",
        &request(&[back, tool("good", "good", "x")], json!({})),
    )
    .await
    .error(400);
    assert!(error.contains(reason), "{error}");
    admin.get("/admin/tds/good").await.expect(404);

    let mended = request(&[tool("bad", "bad", "x"), tool("good", "good", "x")], json!({}));
    let plan = post(&admin, "/admin/plan", &mended).await.ok().data();
    assert_eq!(plan["problems"], json!([]));
    post(&admin, "/admin/apply", &mended).await.ok();
    let plan = post(&admin, "/admin/plan", &mended).await.ok().data();
    assert_eq!(
        (&plan["problems"], plan["unchanged"].as_array().unwrap().len()),
        (&json!([]), 2)
    );
}

#[tokio::test]
async fn what_is_exported_is_what_is_stored() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let definitions = [
        instance("i", "x"),
        instance("j", "y"),
        tool("a", "a", "x"),
        tool("b", "b", "y"),
    ];
    post(&admin, "/admin/apply", &request(&definitions, json!({})))
        .await
        .ok();
    let whole = admin.get("/admin/export").await.ok();
    assert!(whole.revision() > 0);
    let one = admin.get("/admin/export?instance=i").await.data();
    assert_eq!(
        (one["tds"].as_array().unwrap().len(), &one["tds"][0]["id"]),
        (1, &json!("a"))
    );
    assert!(one["ids"][0].get("revision").is_none());
    admin.get("/admin/export?instance=none").await.error(404);

    let data = whole.data();
    let as_wanted = |kind: &str| {
        let list = data[kind].as_array().unwrap().iter();
        list.map(|document| json!({"kind": kind, "id": document["id"], "document": document}))
            .collect::<Vec<_>>()
    };
    let back = [as_wanted("tds"), as_wanted("ids")].concat();
    let report = post(&admin, "/admin/plan", &request(&back, json!({"prune": "all"})))
        .await
        .data();
    assert_eq!(
        (
            &report["changed"],
            &report["removed"],
            report["unchanged"].as_array().unwrap().len()
        ),
        (&json!([]), &json!([]), 4)
    );
}

#[tokio::test]
async fn a_service_its_tool_and_the_instance_are_planned_together() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let all = [
        json!({"kind": "uds", "id": "billing", "document": {"protocol": "http", "url": "http://127.0.0.1:1/v1"}}),
        json!({"kind": "tds", "id": "get_inv", "document": {"name": "get_inv", "description": "One invoice.", "tags": ["bills"],
            "tds_ext_info": {"upstream": "billing", "method": "GET", "path": "/invoices"}}}),
        instance("bills", "bills"),
    ];
    let of_team = |definitions: &[Value]| request(definitions, json!({"owner": "team", "prune": "owned"}));
    // Nobody has the service yet.
    let plan = post(&admin, "/admin/plan", &of_team(&all[1..])).await.data();
    assert!(
        plan["warnings"]
            .to_string()
            .contains("there is no upstream `billing`"),
        "{plan}"
    );
    assert_eq!(
        (
            &plan["clients"][0]["appear"],
            &plan["clients"][0]["after"]["tools"]
        ),
        (&json!([]), &json!(0))
    );

    let plan = post(&admin, "/admin/plan", &of_team(&all)).await.data();
    assert_eq!((&plan["warnings"], &plan["problems"]), (&json!([]), &json!([])));
    assert_eq!(plan["clients"][0]["appear"], json!(["get_inv"]));
    let applied = post(&admin, "/admin/apply", &of_team(&all)).await.ok().data();
    assert_eq!(applied["clients"], plan["clients"]);
    assert_eq!(app.mcp("bills").tool_names().await, ["get_inv"]);

    let plan = post(&admin, "/admin/plan", &of_team(&all[1..])).await.data();
    assert_eq!(plan["removed"], json!(["uds/billing"]));
    let bills = &plan["clients"][0];
    assert_eq!(
        (&bills["disappear"], &bills["breaking"]),
        (&json!(["get_inv"]), &json!(true))
    );
}
