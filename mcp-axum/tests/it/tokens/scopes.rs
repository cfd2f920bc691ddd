//! Scopes that tools and instances want of tokens.

use super::{DESK, PUBLIC, gateway, holder, issuer::Issuer, signer::Signer, with};
use crate::test_app::McpClient;
use serde_json::{Value, json};

#[tokio::test]
async fn a_token_without_the_scopes_of_a_tool_is_told_which_it_needs() {
    let signer = Signer::new("k1");
    let issuer = Issuer::start(&[&signer]).await;
    let app = gateway(&issuer.url, json!({"required_scopes": ["mcp:tools"]})).await;
    let tool = json!({
        "name": "drop_orders", "description": "Says its name.", "input_schema": {"type": "object"},
        "access": {"scopes": ["orders:write", "orders:drop"]},
        "static": {"content": [{"type": "text", "text": "drop_orders"}]},
    });
    app.admin().put("/admin/tds/drop_orders", &tool).await.ok();
    let client = |scope: &str| {
        let token = signer.sign(&with(&issuer.claims(DESK), json!({"scope": scope})));
        McpClient::new(holder(&app, &token), "desk")
    };
    let params = json!({"name": "drop_orders", "arguments": {}});
    let less = client("mcp:tools orders:write");
    assert_eq!(less.tool_names().await, ["get_order"]);
    let refused = less.modern("tools/call", params.clone()).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let challenge = refused.header("www-authenticate").unwrap();
    assert_eq!(
        challenge,
        format!(
            "Bearer error=\"insufficient_scope\", scope=\"mcp:tools orders:write orders:drop\", \
             resource_metadata=\"{PUBLIC}/.well-known/oauth-protected-resource/mcp/desk\""
        )
    );
    assert!(
        refused.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("orders:drop"),
        "{}",
        refused.text
    );
    let old = less.legacy("2025-11-25", "tools/call", params.clone()).await;
    assert_eq!(
        (old.status, old.header("www-authenticate")),
        (403, Some(challenge))
    );

    let more = client("mcp:tools orders:write orders:drop");
    assert_eq!(more.tool_names().await.len(), 2);
    assert_eq!(more.call("drop_orders", json!({})).await["isError"], false);
    // Whoever may not use it whatever their scopes does not learn of it, nor does who can have none.
    let role = json!({"allow": [{"actions": ["*"], "tools": ["get_*"]}]});
    app.admin().put("/admin/roles/reader", &role).await.ok();
    let claims = with(
        &issuer.claims(DESK),
        json!({"scope": "mcp:tools", "realm_access": {"roles": ["reader"]}}),
    );
    let reader = McpClient::new(holder(&app, &signer.sign(&claims)), "desk");
    for client in [reader, app.mcp("desk")] {
        let unknown = client.modern("tools/call", params.clone()).await;
        assert_eq!(
            (unknown.status, &unknown.json()["error"]["code"]),
            (200, &json!(-32602))
        );
    }
}

#[tokio::test]
async fn an_instance_may_want_scopes_of_its_own() {
    let signer = Signer::new("k1");
    let issuer = Issuer::start(&[&signer]).await;
    let app = gateway(&issuer.url, json!({})).await;
    let document = json!({"name": "Desk", "tool_ids": ["get_order"], "access": {"scopes": ["desk"]}});
    app.admin().put("/admin/ids/desk", &document).await.ok();
    let ask = async |claims: Value| {
        let client = McpClient::new(holder(&app, &signer.sign(&claims)), "desk");
        client.modern("tools/list", json!({})).await
    };
    let refused = ask(issuer.claims(DESK)).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\", scope=\"desk\""),
        "{challenge}"
    );
    assert_eq!(
        ask(with(&issuer.claims(DESK), json!({"scope": "desk"})))
            .await
            .status,
        200
    );
    // A key has no scopes.
    assert_eq!(app.mcp("desk").modern("tools/list", json!({})).await.status, 403);
}
