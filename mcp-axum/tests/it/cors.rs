//! Browsers: CORS is off unless configured.

use crate::test_app::{Answer, TestApp};
use reqwest::Method;

const PAGE: &str = "https://inspector.example.com";

async fn preflight(app: &TestApp) -> Answer {
    let client = app.anonymous();
    let request = client
        .request(Method::OPTIONS, "/mcp/i")
        .header("origin", PAGE)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,mcp-method,mcp-param-region",
        );
    client.send(request).await
}

#[tokio::test]
async fn a_configured_origin_may_ask_and_read() {
    let app = TestApp::with(&[("app.cors_origins", PAGE), ("app.allowed_origins", PAGE)]).await;
    app.with_item_tools("i").await;
    let allowed = preflight(&app).await.ok();
    assert_eq!(allowed.header("access-control-allow-origin"), Some(PAGE));
    let headers = allowed.header("access-control-allow-headers").unwrap_or_default();
    assert!(headers.contains("mcp-param-region"), "{headers}");

    let client = app.user();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let request = client
        .request(Method::POST, "/mcp/i")
        .header("origin", PAGE)
        .header("content-type", "application/json");
    let answer = client.send(request.body(body)).await.ok();
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    assert!(
        exposed.contains("mcp-session-id") && exposed.contains("www-authenticate"),
        "{exposed}"
    );
}

#[tokio::test]
async fn without_configuration_no_page_is_told_anything() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let refused = preflight(&app).await;
    assert_eq!(refused.header("access-control-allow-origin"), None);
    assert_ne!(refused.status, 200);
}
