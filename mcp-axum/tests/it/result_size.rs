//! How much of an answer reaches a model, whatever kind of tool it comes from.

use crate::{
    test_app::{Reply, TestApp, Upstream},
    upstreams::{offered::with, server::McpServer},
};
use futures_util::FutureExt;
use serde_json::{Value, json};

async fn put(app: &TestApp, upstream: &Upstream, id: &str, more: &Value) {
    let mut document = json!({
        "name": id, "description": "A list.", "input_schema": {},
        "tds_ext_info": {"domain": upstream.origin(), "method": "GET", "path": "/"},
    });
    for (name, value) in more.as_object().unwrap() {
        match name.as_str() {
            "output_schema" => document[name] = value.clone(),
            _ => document["tds_ext_info"][name] = value.clone(),
        }
    }
    app.admin().put(&format!("/admin/tds/{id}"), &document).await.ok();
}

/// The result, and the bytes of its first text.
async fn call(app: &TestApp, tool: &str) -> (Value, String) {
    let result = app.mcp("i").call(tool, json!({})).await;
    let text = result["content"][0]["text"].as_str().unwrap().to_owned();
    (result, text)
}

fn rows(count: usize) -> Value {
    let row = |id| json!({"id": id, "note": "x".repeat(40)});
    json!({"total": count, "rows": (0..count).map(row).collect::<Vec<_>>()})
}

#[tokio::test]
async fn what_is_too_much_is_left_out_and_results_stay_what_they_promise() {
    const MOST: usize = 256 << 10;
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let array = |least| json!({"output_schema": {"type": "object", "properties": {"rows": {"type": "array", "minItems": least}}}});
    put(&app, &upstream, "plain", &json!({})).await;
    put(&app, &upstream, "promised", &array(1)).await;
    put(&app, &upstream, "unkept", &array(10_000)).await;
    put(
        &app,
        &upstream,
        "rendered",
        &json!({"response": {"template": "{% for row in body.rows %}{{ row.note }}{% endfor %}"}}),
    )
    .await;
    put(
        &app,
        &upstream,
        "own",
        &json!({"response": {"max_bytes": "2MiB"}}),
    )
    .await;
    put(&app, &upstream, "written", &json!({"method": "POST"})).await;
    app.put_instance(
        "i",
        &["plain", "promised", "unkept", "rendered", "own", "written"],
    )
    .await;

    upstream.reply_json(200, &rows(20_000));
    for tool in ["plain", "promised"] {
        let (result, text) = call(&app, tool).await;
        let structured = &result["structuredContent"];
        let kept = structured["rows"].as_array().unwrap().len();
        assert!(
            text.len() <= MOST && kept > 1_000,
            "{tool}: {} {kept}",
            text.len()
        );
        assert_eq!(
            &serde_json::from_str::<Value>(&text).unwrap(),
            structured,
            "{tool}"
        );
        let note = format!("{} of 20000 items of `rows` are left out", 20_000 - kept);
        assert!(result["content"][1]["text"].as_str().unwrap().starts_with(&note));
        assert_eq!(result["isError"], false);
    }
    let (unkept, text) = call(&app, "unkept").await;
    assert!(
        unkept["isError"] == true
            && text.contains("After leaving items out the answer is not what output_schema promises")
    );
    let (rendered, text) = call(&app, "rendered").await;
    assert!(rendered["isError"] == false && text.len() <= MOST);
    let (own, text) = call(&app, "own").await;
    assert_eq!(
        (own["structuredContent"]["rows"].as_array().unwrap().len(), text),
        (20_000, rows(20_000).to_string())
    );

    upstream.reply(Reply::Fixed {
        status: 200,
        content_type: "text/plain",
        body: "ü".repeat(200_000).into(),
    });
    let (result, text) = call(&app, "plain").await;
    assert_eq!((text.len(), &*text), (MOST, &*"ü".repeat(MOST / 2)));
    assert_eq!(
        result["content"][1]["text"],
        format!("The text is cut: the first {MOST} of 400000 bytes.")
    );

    // There is nothing to leave out.
    upstream.reply_json(200, &json!({"blob": "x".repeat(300_000)}));
    for (tool, consequence) in [
        ("plain", "It changed nothing."),
        (
            "written",
            "What it changes is changed; do not call again to be sure.",
        ),
    ] {
        let (result, text) = call(&app, tool).await;
        let said = format!(
            "The shaped answer has 300011 bytes, at most {MOST} are allowed (upstream.max_result_bytes, or response.max_bytes of the tool). Ask for less. The call itself succeeded (status 200). {consequence}"
        );
        assert_eq!((&result["isError"], text), (&json!(true), said));
    }

    // Bytes are no text: they are bounded by what an answer may have.
    upstream.reply(Reply::Fixed {
        status: 200,
        content_type: "image/png",
        body: vec![7; 300_000],
    });
    let result = app.mcp("i").call("plain", json!({})).await;
    assert_eq!(result["content"][0]["data"].as_str().unwrap().len(), 400_000);
}

#[tokio::test]
async fn the_operator_sets_it_and_results_are_counted_by_size() {
    let app = TestApp::with(&[("upstream.max_result_bytes", "1KiB")]).await;
    let upstream = app.upstream().await;
    put(&app, &upstream, "plain", &json!({})).await;
    app.put_instance("i", &["plain"]).await;
    upstream.reply_json(200, &rows(100));
    let (result, text) = call(&app, "plain").await;
    assert!(text.len() <= 1_024 && !result["structuredContent"]["rows"].as_array().unwrap().is_empty());
    let size = result["content"].to_string().len() + result["structuredContent"].to_string().len();
    let metrics = app.metrics();
    let label = r#"{mcp_instance="i",tool="plain""#;
    assert!(
        metrics.contains(&format!("dynmcp_tool_result_bytes_count{label}}} 1\n")),
        "{metrics}"
    );
    assert!(
        metrics.contains(&format!("dynmcp_tool_result_bytes_sum{label}}} {size}.0\n")),
        "{size} {metrics}"
    );
}

#[tokio::test]
async fn tools_of_upstreams_keep_to_it_too() {
    let app = TestApp::start().await;
    let server = McpServer::start(true, json!({"tools": {}}), |received, talk| {
        async move {
            let rows = rows(20_000);
            let structured = match received.params()["name"].as_str() {
                Some("flat") => json!({"blob": "x".repeat(300_000)}),
                _ => rows.clone(),
            };
            let content = json!([{"type": "text", "text": rows.to_string()}, {"type": "image", "data": "AAAA", "mimeType": "image/png"}]);
            talk.result(&json!({"resultType": "complete", "content": content, "structuredContent": structured}).to_string());
        }
        .boxed()
    })
    .await;
    let tool = |name, least| {
        json!({"name": name, "inputSchema": {"type": "object"},
        "outputSchema": {"type": "object", "properties": {"rows": {"type": "array", "minItems": least}}}})
    };
    let free = json!({"name": "free", "inputSchema": {"type": "object"}});
    server.list(
        "tools/list",
        "tools",
        &json!([tool("promised", 1), tool("unkept", 10_000), tool("flat", 0), free]).to_string(),
    );
    for (id, limits, most) in [
        ("u", json!({}), 256 << 10),
        ("v", json!({"limits": {"max_result_bytes": 2_000}}), 2_000),
    ] {
        with(&app, id, &server, &limits).await;
        let document = json!({"name": "i", "include": {"upstreams": [id]}});
        app.admin().put("/admin/ids/i", &document).await.ok();
        for tool in ["promised", "free"] {
            let (result, text) = call(&app, tool).await;
            let kept = &result["structuredContent"]["rows"];
            assert!(
                text.len() <= most && kept.to_string().len() <= most && kept.as_array().unwrap().len() > 10
            );
            assert_eq!(result["content"][1]["type"], "image");
            assert!(
                result["content"][2]["text"]
                    .as_str()
                    .unwrap()
                    .contains("of 20000 items of `rows` are left out"),
                "{tool}"
            );
        }
        for tool in ["unkept", "flat"] {
            let (result, text) = call(&app, tool).await;
            assert_eq!(
                (&result["isError"], &result["structuredContent"]),
                (&json!(true), &Value::Null),
                "{tool}"
            );
            assert!(
                text.contains(&format!("at most {most} are allowed"))
                    && text.contains("The call itself succeeded"),
                "{text}"
            );
        }
    }
}
