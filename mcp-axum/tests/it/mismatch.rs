//! Answers that are not what `output_schema` promises.

use crate::test_app::{TestApp, Upstream};
use serde_json::{Value, json};

async fn put(app: &TestApp, upstream: &Upstream, id: &str, response: Value) {
    let mut binding = json!({"domain": upstream.origin(), "method": "GET", "path": "/"});
    if !response.is_null() {
        binding["response"] = response;
    }
    let document = json!({
        "name": id, "description": "A thing.", "input_schema": {}, "tds_ext_info": binding,
        "output_schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
    });
    app.admin().put(&format!("/admin/tds/{id}"), &document).await.ok();
}

async fn with_tools(settings: &[(&'static str, &str)]) -> (TestApp, std::sync::Arc<Upstream>) {
    let app = TestApp::with(settings).await;
    let upstream = app.upstream().await;
    put(&app, &upstream, "plain", Value::Null).await;
    put(&app, &upstream, "shaped", json!({"jq": "."})).await;
    put(&app, &upstream, "strict", json!({"on_mismatch": "error"})).await;
    put(&app, &upstream, "lenient", json!({"on_mismatch": "log"})).await;
    app.put_instance("i", &["plain", "shaped", "strict", "lenient"])
        .await;
    upstream.reply_json(200, &json!({"id": "seven"}));
    (app, upstream)
}

async fn is_error(app: &TestApp, tool: &str) -> bool {
    let result = app.mcp("i").call(tool, json!({})).await;
    let is_error = result["isError"].as_bool().unwrap();
    let text = result["content"][0]["text"].as_str().unwrap();
    match is_error {
        true => {
            assert!(
                text.contains("output_schema promises") && text.contains("/id: \"seven\""),
                "{text}"
            );
            assert!(result["structuredContent"].is_null(), "{result}");
        }
        false => {
            assert_eq!(text, r#"{"id":"seven"}"#);
            assert_eq!(result["structuredContent"], json!({"id": "seven"}));
        }
    }
    is_error
}

fn counted(metrics: &str, tool: &str) -> bool {
    let line = format!("dynmcp_tool_output_mismatches_total{{mcp_instance=\"i\",tool=\"{tool}\"}} 1\n");
    metrics.contains(&line)
}

#[tokio::test]
async fn they_are_an_error_unless_the_definition_says_otherwise() {
    let (app, upstream) = with_tools(&[]).await;
    for (tool, expected) in [
        ("plain", true),
        ("shaped", true),
        ("strict", true),
        ("lenient", false),
    ] {
        assert_eq!(is_error(&app, tool).await, expected, "{tool}");
    }
    let metrics = app.metrics();
    for tool in ["plain", "shaped", "strict", "lenient"] {
        assert!(counted(&metrics, tool), "{tool}: {metrics}");
    }
    upstream.reply_json(200, &json!({"id": 7}));
    let result = app.mcp("i").call("plain", json!({})).await;
    assert_eq!(result["structuredContent"], json!({"id": 7}));
    let metrics = app.metrics();
    assert!(
        counted(&metrics, "plain"),
        "an answer that fits was counted: {metrics}"
    );
}

#[tokio::test]
async fn the_operator_may_let_them_through() {
    let (app, upstream) = with_tools(&[("upstream.on_output_mismatch", "log")]).await;
    for (tool, expected) in [
        ("plain", false),
        ("shaped", false),
        ("strict", true),
        ("lenient", false),
    ] {
        assert_eq!(is_error(&app, tool).await, expected, "{tool}");
    }
    // What is no JSON at all cannot be given on as structured content.
    upstream.reply(crate::test_app::Reply::Fixed {
        status: 200,
        content_type: "text/plain",
        body: b"seven".to_vec(),
    });
    let result = app.mcp("i").call("plain", json!({})).await;
    assert_eq!(result["isError"], true, "{result}");
}

#[tokio::test]
async fn a_word_that_is_neither_is_refused() {
    let app = TestApp::start().await;
    let document = json!({
        "name": "t", "description": "A thing.", "input_schema": {},
        "tds_ext_info": {"domain": "a.example", "method": "GET", "path": "/", "response": {"on_mismatch": "ignore"}},
    });
    let answer = app.admin().put("/admin/tds/t", &document).await.expect(400);
    assert!(
        answer.text.contains("tds_ext_info.response.on_mismatch") && answer.text.contains("`error` or `log`"),
        "{}",
        answer.text
    );
}
