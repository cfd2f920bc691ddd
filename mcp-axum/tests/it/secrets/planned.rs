//! What a plan says of secrets, and what of it holds when it is applied; and what comes back with a secret.

use super::{VALUE, gateway, post, secret, tool};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_plan_is_of_the_value_that_was_looked_at() {
    let app = gateway().await;
    let admin = app.admin();
    let wanted = |value: &str| json!({"definitions": [{"kind": "secrets", "id": "billing", "document": secret(value)}]});
    let planned = async |value: &str| {
        let plan = post(&admin, "/admin/plan", &wanted(value)).await.ok().data();
        plan["fingerprint"].as_str().unwrap().to_owned()
    };
    let first = planned(VALUE).await;
    assert_eq!(
        first,
        planned(VALUE).await,
        "no two ciphertexts are the same, but values are"
    );
    let other = planned("tr0ub4dor-other").await;
    assert_ne!(first, other);
    let apply = async |fingerprint: &str, value: &str| {
        let path = format!("/admin/apply?plan={fingerprint}");
        post(&admin, &path, &wanted(value)).await
    };
    assert_eq!(apply(&first, "tr0ub4dor-other").await.status, 409);
    apply(&first, VALUE).await.ok();
    // The same of one that is there.
    let changed = planned("tr0ub4dor-other").await;
    assert_eq!(apply(&changed, "tr0ub4dor-third").await.status, 409);
    apply(&changed, "tr0ub4dor-other").await.ok();
}

#[tokio::test]
async fn what_was_written_when_is_known_of_a_definition_that_comes_back_with_its_secret() {
    let app = gateway().await;
    let admin = app.admin();
    let upstream = app.upstream().await;
    admin.put("/admin/secrets/billing", &secret(VALUE)).await.ok();
    admin
        .put(
            "/admin/tds/billing_get",
            &tool(&upstream, "billing_get", "billing"),
        )
        .await
        .ok();
    app.put_instance("desk", &["billing_get"]).await;
    let written = async || admin.get("/admin/tds/billing_get").await.data()["updated_at"].clone();
    let before: Value = written().await;
    assert!(before.is_string(), "{before}");
    let gone = admin.request(Method::DELETE, "/admin/secrets/billing");
    admin.send(gone).await.ok();
    admin.put("/admin/secrets/billing", &secret(VALUE)).await.ok();
    assert_eq!(app.mcp("desk").tool_names().await, ["billing_get"]);
    assert_eq!(written().await, before);
}
