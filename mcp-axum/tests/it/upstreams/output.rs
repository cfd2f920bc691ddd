//! Answers of upstreams' tools, shaped as documents say.

use super::{offered::with, server::McpServer};
use crate::test_app::TestApp;
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};

const TOOLS: &str = r#"[
    {"name":"days","inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"days":{"type":"array"}},"required":["days"]},"annotations":{"readOnlyHint":true}},
    {"name":"texts","inputSchema":{"type":"object"}},
    {"name":"large","inputSchema":{"type":"object"}},
    {"name":"failing","inputSchema":{"type":"object"}},
    {"name":"picture","inputSchema":{"type":"object"}}]"#;

fn result(tool: &str) -> Value {
    let text = |text: &str| json!({"type": "text", "text": text});
    match tool {
        "days" => {
            let days: Vec<Value> = (1..=20)
                .map(|day| json!({"day": day, "high": day * 2, "note": "n".repeat(50)}))
                .collect();
            let days = json!({"days": days});
            json!({"content": [text(&days.to_string()), {"type": "image", "data": "QQ==", "mimeType": "image/png"}],
                "structuredContent": days, "_meta": {"own/key": 1}})
        }
        "texts" => json!({"content": [text("{\"n\":1}"), text("{\"n\":2}")]}),
        "large" => json!({"content": [text(&json!({"rows": vec!["a row"; 60_000]}).to_string())]}),
        "failing" => json!({"content": [text("no luck")], "isError": true}),
        _ => json!({"content": [{"type": "image", "data": "QQ==", "mimeType": "image/png"}]}),
    }
}

async fn server(is_modern: bool) -> McpServer {
    let server = McpServer::start(is_modern, json!({"tools": {}}), move |received, talk| {
        async move {
            let mut result = result(received.params()["name"].as_str().unwrap_or_default());
            if is_modern {
                result["resultType"] = json!("complete");
            }
            talk.result(&result.to_string());
        }
        .boxed()
    })
    .await;
    // One line of an event.
    server.list("tools/list", "tools", &TOOLS.replace('\n', ""));
    server
}

fn overrides(days: &Value) -> Value {
    json!({"tools": {"overrides": {"days": {"output": days}}}})
}

/// The first text of a call of `days`, and its structured content.
async fn days(app: &TestApp, instance: &str) -> (String, Value) {
    let result = app.mcp(instance).call("days", json!({"city": "Oslo"})).await;
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    (text.to_owned(), result["structuredContent"].clone())
}

#[tokio::test]
async fn programs_and_templates_shape_what_servers_answer() {
    let app = TestApp::start().await;
    for is_modern in [true, false] {
        let server = server(is_modern).await;
        let instance = json!({"name": "Weather", "include": {"upstreams": ["w"]}});
        app.admin().put("/admin/ids/i", &instance).await.ok();

        let jq = json!({"jq": ".days | map(.high) | {highest: max, of: length}"});
        with(&app, "w", &server, &overrides(&jq)).await;
        let result = app.mcp("i").call("days", json!({})).await;
        let shaped = json!({"highest": 40, "of": 20});
        assert_eq!(result["structuredContent"], shaped);
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, shaped);
        // What is no text is there, and what else the server said.
        assert_eq!(
            (&result["content"][1]["data"], &result["_meta"]["own/key"]),
            (&json!("QQ=="), &json!(1))
        );
        // What the server promises says nothing about it.
        let listed = app.mcp("i").modern("tools/list", json!({})).await.ok().json();
        let tool = |name: &str| {
            let tools = listed["result"]["tools"].as_array().unwrap().iter();
            tools.clone().find(|tool| tool["name"] == name).cloned().unwrap()
        };
        assert_eq!(
            (
                tool("days").get("outputSchema"),
                &tool("days")["annotations"]["readOnlyHint"]
            ),
            (None, &json!(true))
        );

        let template = json!({"template": "{{ args.city }}: {{ data.days | length }} days for {{ principal.sub | length > 0 }} of {{ instance.name }}"});
        with(&app, "w", &server, &overrides(&template)).await;
        let (text, structured) = days(&app, "i").await;
        assert_eq!(text, "Oslo: 20 days for true of Weather");
        assert_eq!(
            structured["days"].as_array().unwrap().len(),
            20,
            "the server's own"
        );
        let listed = app.mcp("i").modern("tools/list", json!({})).await.ok().json();
        assert!(
            listed["result"]["tools"][0].get("outputSchema").is_some(),
            "{listed}"
        );
    }
}

/// Beside the workers, where nobody else's calls wait for it.
#[tokio::test]
async fn what_is_large_is_taken_apart_where_nobody_else_waits() {
    let app = TestApp::start().await;
    let pieces = || {
        let metrics = app.metrics();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("dynmcp_work_runs_total{place=\"thread\"} "));
        line.map_or(0, |count| count.parse::<u64>().unwrap())
    };
    for is_modern in [true, false] {
        let server = server(is_modern).await;
        with(&app, "w", &server, &json!({})).await;
        let instance = json!({"name": "Weather", "include": {"upstreams": ["w"]}});
        app.admin().put("/admin/ids/i", &instance).await.ok();
        let before = pieces();
        app.mcp("i").call("days", json!({})).await;
        assert_eq!(pieces(), before, "small ones are not");
        let result = app.mcp("i").call("large", json!({})).await;
        let text = result["content"][0]["text"].as_str().unwrap();
        let kept: Value = serde_json::from_str(text).unwrap();
        let kept = kept["rows"].as_array().unwrap().len();
        assert!(
            text.len() <= 262_144 && (10_000..60_000).contains(&kept),
            "{kept}"
        );
        assert_eq!(pieces(), before + 2, "it is read, and it is shortened");
    }
}

#[tokio::test]
async fn an_instance_says_it_otherwise_and_sizes_are_bounded() {
    let app = TestApp::start().await;
    let server = server(true).await;
    let own = json!({"jq": ".days[0] | {day}"});
    with(&app, "w", &server, &overrides(&own)).await;
    let said = json!({"id": "w/days", "output": {"jq": ".days | {last: .[-1].day, of: length}", "template": "{{ instance.vars.word }} {{ data.last }}"}});
    let instance = json!({"name": "i", "vars": {"word": "until"}, "tool_ids": [said, "w/texts"]});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    assert_eq!(
        days(&app, "i").await,
        ("until 20".to_owned(), json!({"last": 20, "of": 20}))
    );
    let other = json!({"name": "j", "include": {"upstreams": ["w"]}});
    app.admin().put("/admin/ids/j", &other).await.ok();
    assert_eq!(days(&app, "j").await.1, json!({"day": 1}));

    // A bound alone: items are left out, as with the bound for all tools.
    let bounded = json!({"name": "i", "tool_ids": [{"id": "w/days", "output": {"max_bytes": 500}}]});
    app.admin().put("/admin/ids/i", &bounded).await.ok();
    let (text, structured) = days(&app, "i").await;
    let left = structured["days"].as_array().unwrap().len();
    assert!(text.len() <= 500 && (1..20).contains(&left), "{left} {text}");
    // And of what is made.
    let cut = json!({"name": "i", "tool_ids": [{"id": "w/days", "output": {"jq": ".days | {all: map(.note)}", "max_bytes": "1KiB"}}]});
    app.admin().put("/admin/ids/i", &cut).await.ok();
    let result = app.mcp("i").call("days", json!({})).await;
    let left = result["structuredContent"]["all"].as_array().unwrap().len();
    let note = format!(
        "{} of 20 items of `all` are left out, because the answer is too long. Ask for less.",
        20 - left
    );
    assert!((5..20).contains(&left));
    assert!(
        result["content"]
            .as_array()
            .unwrap()
            .iter()
            .any(|block| block["text"] == note),
        "{result}"
    );
    // The bound for all tools holds for what is made, too.
    let default = json!({"name": "i", "tool_ids": [{"id": "w/days", "output": {"jq": "[.days[].note] | add | . * 400"}}]});
    app.admin().put("/admin/ids/i", &default).await.ok();
    let result = app.mcp("i").call("days", json!({})).await;
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        result["isError"] == true
            && text
                .contains("at most 262144 are allowed (upstream.max_result_bytes, limits.max_result_bytes"),
        "{text}"
    );
}

#[tokio::test]
async fn several_texts_are_a_list_and_what_cannot_be_shaped_says_so() {
    let app = TestApp::start().await;
    let server = server(true).await;
    let jq = |code: &str| json!({"output": {"jq": code}});
    let overrides = json!({"tools": {"overrides": {"texts": jq("map(.n) | add"), "failing": jq(".never"), "picture": jq(".never"),
        "days": jq(".days | error(\"odd\")")}}});
    with(&app, "w", &server, &overrides).await;
    let instance = json!({"name": "i", "include": {"upstreams": ["w"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let call = |tool: &'static str| async { app.mcp("i").call(tool, json!({})).await };
    assert_eq!(
        call("texts").await["content"],
        json!([{"type": "text", "text": "3"}])
    );
    // Errors, and what has nothing to shape, come as they are.
    let failing = call("failing").await;
    assert_eq!(
        (&failing["content"][0]["text"], &failing["isError"]),
        (&json!("no luck"), &json!(true))
    );
    assert_eq!(call("picture").await["content"][0]["data"], "QQ==");
    let odd = call("days").await;
    let text = odd["content"][0]["text"].as_str().unwrap();
    assert!(
        odd["isError"] == true && text.starts_with("`output.jq` cannot shape the answer: it failed: \"odd\""),
        "{text}"
    );
    assert!(
        text.contains("The call itself succeeded. It changed nothing."),
        "{text}"
    );
    let not_json = json!({"tools": {"overrides": {"texts": {"output": {"jq": "."}}}}});
    with(&app, "w", &server, &not_json).await;
    assert_eq!(call("texts").await["content"][0]["text"], r#"[{"n":1},{"n":2}]"#);
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let server = server(true).await;
    for (output, expected) in [
        (json!({"jq": ".a |"}), "tools.overrides.days.output.jq: is not jq"),
        (
            json!({"template": "{{ status }}"}),
            "tools.overrides.days.output.template: names `status`, which is unknown; known are body, data, args",
        ),
        (
            json!({"template": "{{ request.headers['x-a'] }}"}),
            "tools.overrides.days.output.template: names the header `x-a`",
        ),
        (
            json!({"template": "{{ instance.vars.a }}"}),
            "tools.overrides.days.output.template: names `instance.vars.a`, but which instance that is",
        ),
        (
            json!({"max_bytes": 0}),
            "tools.overrides.days.output.max_bytes: must be at least 1",
        ),
        (
            json!({"jqq": "."}),
            "tools.overrides.days.output.jqq: unknown field `jqq`",
        ),
    ] {
        let mut document = server.document();
        document["tools"] = overrides(&output)["tools"].clone();
        let refused = app.admin().put("/admin/uds/w", &document).await.error(400);
        assert!(refused.contains(expected), "{output}: {refused}");
    }
    for (reference, expected) in [
        (
            json!({"id": "w/days", "output": {"jq": "nope"}}),
            "tool_ids[0].output.jq: uses the filter `nope`",
        ),
        (
            json!({"id": "w/days", "output": {"template": "{{ instance.vars.a }}"}}),
            "tool_ids[0].output.template: names `instance.vars.a`, which this instance does not have",
        ),
        (
            json!({"id": "days", "output": {}}),
            "tool_ids[0].output: is for tools of upstreams",
        ),
    ] {
        let instance = json!({"name": "i", "tool_ids": [reference]});
        let refused = app.admin().put("/admin/ids/i", &instance).await.error(400);
        assert!(refused.contains(expected), "{instance}: {refused}");
    }
}

async fn verify(app: &TestApp, query: &str) -> Vec<(String, String, String)> {
    let request = app
        .admin()
        .request(Method::POST, &format!("/admin/uds/w/verify?{query}"));
    let runs = app.admin().send(request).await.data();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let runs = runs.as_array().unwrap().iter();
    runs.map(|run| {
        (
            word(&run["tool"]),
            word(&run["verdict"]),
            word(&run["details"][0]),
        )
    })
    .collect()
}

#[tokio::test]
async fn examples_are_run_with_their_own_answer_or_the_servers() {
    let app = TestApp::start().await;
    let server = server(true).await;
    let days = json!({"output": {"jq": "{first: .days[0].day}"}, "examples": [
        {"mock": {"structured": {"days": [{"day": 7}]}}, "expect": {"jq": ".first == 7"}},
        {"mock": {"structured": {"days": []}}, "expect": {"jq": ".first == 7"}},
        {"expect": {"jq": ".first == 1"}}]});
    let texts = json!({"examples": [{"mock": {"content": [{"type": "text", "text": "a"}]}, "expect": {"jq": ". == \"a\""}}]});
    let document =
        json!({"tools": {"overrides": {"days": days, "texts": texts, "gone": {"examples": [{}]}}}});
    with(&app, "w", &server, &document).await;
    let run =
        |tool: &str, verdict: &str, details: &str| (tool.to_owned(), verdict.to_owned(), details.to_owned());
    assert_eq!(
        verify(&app, "mode=mock").await,
        [
            run("w/days", "passed", ""),
            run("w/days", "failed", "jq: `.first == 7` gives false, not true"),
            run("w/days", "skipped", "has no `mock`"),
            run("w/gone", "skipped", "has no `mock`"),
            run("w/texts", "passed", ""),
        ]
    );
    assert!(server.received("tools/call").is_empty());
    let live = verify(&app, "mode=live").await;
    assert_eq!(
        live[1..4],
        [
            run("w/days", "failed", "jq: `.first == 7` gives false, not true"),
            run("w/days", "passed", ""),
            run("w/gone", "failed", "the upstream `w` has no tool `gone` now"),
        ]
    );
    assert!(
        live[4].1 == "skipped" && live[4].2.contains("readOnlyHint"),
        "{live:?}"
    );
    let any = verify(&app, "mode=live&any_method=true").await;
    assert_eq!(any[4].1, "failed", "{any:?}");

    for (example, expected) in [
        (json!({"expect": {"status": 200}}), "expect.status: cannot be"),
        (json!({"expect": {"jq": ".a |"}}), "expect.jq: is not jq"),
        (json!({"mock": {}}), "mock: says no answer"),
        (json!({"arguments": [1]}), "arguments: must be a JSON object"),
    ] {
        let mut document = server.document();
        document["tools"] = json!({"overrides": {"days": {"examples": [example]}}});
        let refused = app.admin().put("/admin/uds/w", &document).await.error(400);
        let expected = format!("tools.overrides.days.examples[0].{expected}");
        assert!(refused.contains(&expected), "{refused}");
    }
}

#[tokio::test]
async fn explain_says_how_the_answer_is_shaped() {
    let app = TestApp::start().await;
    let server = server(true).await;
    with(
        &app,
        "w",
        &server,
        &overrides(&json!({"jq": ".days", "max_bytes": "2KiB"})),
    )
    .await;
    let instance =
        json!({"name": "i", "tool_ids": [{"id": "w/days", "output": {"template": "{{ data }}"}}, "w/texts"]});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let explain = |body: Value| {
        let request = app
            .admin()
            .request(Method::POST, "/admin/uds/w/explain")
            .json(&body);
        let admin = app.admin();
        async move { admin.send(request).await.data() }
    };
    let own = explain(json!({"tool": "days"})).await;
    assert_eq!(
        (&own["output"], &own["max_result_bytes"]),
        (&json!({"said_by": "upstream", "jq": ".days"}), &json!(2048))
    );
    let here = explain(json!({"tool": "days", "instance": "i"})).await;
    assert_eq!(
        (&here["output"], &here["max_result_bytes"]),
        (
            &json!({"said_by": "instance", "template": "{{ data }}"}),
            &json!(262144)
        )
    );
    assert_eq!(
        explain(json!({"tool": "texts", "instance": "i"}))
            .await
            .get("output"),
        None
    );
}
