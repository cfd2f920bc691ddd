//! Examples of definitions as their tests.

use crate::test_app::{Answer, Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

fn tool(origin: &str, method: &str, examples: Value) -> Value {
    json!({"name": "get_order", "description": "Reads one order.", "examples": examples,
        "input_schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
        "tds_ext_info": {"domain": origin, "method": method, "path": "/orders/{id}"}})
}

fn example(jq: &str) -> Value {
    json!({"arguments": {"id": 7}, "mock": {"body": {"id": 7}}, "expect": {"status": 200, "jq": jq}})
}

async fn verify(client: &Client, query: &str) -> Answer {
    client
        .send(client.request(Method::POST, &format!("/admin/tds/t/verify{query}")))
        .await
}

#[tokio::test]
async fn what_does_not_do_what_its_examples_say_is_not_stored() {
    let app = TestApp::sqlite().await;
    let (admin, upstream) = (app.admin(), app.upstream().await);
    let origin = upstream.origin();
    let put =
        async |query: &str, document: &Value| admin.put(&format!("/admin/tds/t{query}"), document).await;

    let wrong = tool(&origin, "GET", json!([example(".id == 7"), example(".id == 8")]));
    let error = put("?verify=mock", &wrong).await.error(422);
    let expected = "the definition does not do what its examples say; nothing was stored. examples[1]: jq: `.id == 8` \
                    gives false, not true; the result was: {\"id\":7}";
    assert_eq!(error, expected);
    admin.get("/admin/tds/t").await.expect(404);
    put("?verify=mock&dry_run=true", &wrong).await.error(422);

    let right = tool(
        &origin,
        "GET",
        json!([example(".id == 7"), {"arguments": {"id": 1}}]),
    );
    let stored = put("?verify=mock", &right).await.ok();
    assert_eq!(stored.warnings(), ["examples[1]: was not run: has no `mock`"]);
    put("?verify=mock", &wrong).await.error(422);
    let now = admin.get("/admin/tds/t").await.ok();
    assert_eq!(
        (now.revision(), &now.json()["data"]["examples"]),
        (stored.revision(), &right["examples"])
    );
    assert_eq!(upstream.requests().len(), 0, "nothing was sent");

    upstream.reply_json(200, &json!({"id": 7}));
    put(
        "?verify=live",
        &tool(&origin, "GET", json!([example(".id == 7")])),
    )
    .await
    .ok();
    assert_eq!(upstream.last().path, "/orders/7");
    upstream.reply_json(200, &json!({"id": 9}));
    let error = put("?verify=live", &right).await.error(422);
    assert!(
        error.contains("examples[0]: jq: `.id == 7` gives false"),
        "{error}"
    );

    let sent = upstream.requests().len();
    let unsafe_one = put("?verify=live", &tool(&origin, "POST", json!([example("true")])))
        .await
        .ok();
    assert_eq!(unsafe_one.warnings().len(), 2, "{}", unsafe_one.text);
    assert_eq!(upstream.requests().len(), sent, "a POST is not sent unasked");

    let error = put("?verify=mock", &tool(&origin, "GET", json!([example(".id |")])))
        .await
        .error(400);
    assert!(error.starts_with("examples[0].expect.jq: is not jq"), "{error}");
    put("?verify=often", &right).await.error(400);
    let error = admin
        .put("/admin/ids/i?verify=mock", &json!({"name": "I"}))
        .await
        .error(400);
    assert!(error.starts_with("verify: only tools"), "{error}");
}

#[tokio::test]
async fn stored_examples_are_run_when_somebody_asks() {
    let app = TestApp::sqlite().await;
    let (admin, upstream) = (app.admin(), app.upstream().await);
    let mut document = tool("127.0.0.1:1", "POST", json!([example(".id == 7")]));
    document["tds_ext_info"]["domain"] = json!(upstream.origin());
    document["tds_ext_info"]["headers"] = json!({"X-Tenant": "{{ instance.vars.tenant }}"});
    admin.put("/admin/tds/t", &document).await.ok();
    let instance = json!({"name": "I", "tool_ids": ["t"], "vars": {"tenant": "acme"}});
    admin.put("/admin/ids/i", &instance).await.ok();

    let runs = verify(&admin, "").await.ok().data();
    assert_eq!(
        runs,
        json!([{"tool": "t", "example": "examples[0]", "verdict": "passed", "details": []}])
    );
    let runs = verify(&admin, "?mode=live").await.data();
    assert_eq!(runs[0]["verdict"], "skipped");
    assert_eq!(upstream.requests().len(), 0);
    upstream.reply_json(200, &json!({"id": 7}));
    let runs = verify(&admin, "?mode=live&any_method=true").await.data();
    assert_eq!(runs[0]["verdict"], "passed");
    assert_eq!(upstream.last().headers["x-tenant"], "acme");
    verify(&app.user(), "").await.error(403);
    let missing = admin
        .send(admin.request(Method::POST, "/admin/tds/none/verify"))
        .await;
    missing.error(404);
    let instances = admin
        .send(admin.request(Method::POST, "/admin/ids/t/verify"))
        .await;
    instances.error(404);
}
