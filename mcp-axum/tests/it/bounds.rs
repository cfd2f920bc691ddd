//! Definitions made to end the gateway: refused with the bound at every door, and the gateway answers afterwards.

use crate::test_app::{Answer, McpClient, TestApp};
use mcp_common::key::Key;
use reqwest::Method;
use serde_json::{Map, Value, json};

fn tool(schema: Value, response: Value) -> Value {
    json!({"name": "killer", "description": "A tool.", "input_schema": schema, "tds_ext_info": {
        "domain": "127.0.0.1:1", "method": "GET", "path": "/", "response": response}})
}

fn with_jq(code: String) -> Value {
    tool(json!({}), json!({"jq": code}))
}

fn with_template(text: String) -> Value {
    tool(json!({"properties": {"a": {}}}), json!({"template": text}))
}

/// 26 definitions of which each refers to the next one twice.
fn doubling() -> Value {
    let next = |n: usize| json!({"$ref": format!("#/$defs/d{}", n + 1)});
    let definition = |n: usize| (format!("d{n}"), json!({"allOf": [next(n), next(n)]}));
    let mut definitions: Map<_, _> = (0..26).map(definition).collect();
    definitions.insert("d26".to_owned(), json!({"type": "integer"}));
    json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
}

/// The definition, and what the refusal says.
fn killers() -> Vec<(Value, &'static str)> {
    let patterns = |count: usize| -> Map<_, _> {
        let pattern = |n: usize| (format!("p{n}"), json!({"pattern": format!("\\p{{L}}{{200}}{n}")}));
        (0..count).map(pattern).collect()
    };
    let nested = (0..70).fold(json!({}), |inner, _| json!({"items": inner}));
    let many: Vec<usize> = (0..31_000).collect();
    vec![
        (with_jq(format!("{}1", "-".repeat(1_200))), "bounds.jq_depth"),
        (
            with_jq(format!("{}.{}", "[".repeat(1_200), "]".repeat(1_200))),
            "bounds.jq_depth",
        ),
        (
            with_jq(format!("{}.{}", "\"\\(".repeat(1_200), ")\"".repeat(1_200))),
            "bounds.jq_depth",
        ),
        (with_jq(".|".repeat(1_200) + "."), "bounds.jq_depth"),
        (with_jq(" ".repeat(20_000) + "."), "bounds.jq_bytes"),
        (
            with_template(format!("{{{{ {}args.a }}}}", "-".repeat(60_000))),
            "bounds.template_tag_words",
        ),
        (
            with_template(format!("{{{{ {}args.a }}}}", "not ".repeat(10_000))),
            "bounds.template_tag_words",
        ),
        (
            with_template(format!("{{{{ {}args.a }}}}", "(".repeat(900))),
            "recursion limits",
        ),
        (with_template("{% if args.a %}".repeat(3_000)), "recursion limits"),
        (
            with_template(format!("{{{{ args.a }}}}{}", "x".repeat(70_000))),
            "bounds.template_bytes",
        ),
        (
            tool(json!({"properties": patterns(1_000)}), json!({})),
            "bounds.schema_patterns",
        ),
        (
            tool(json!({"properties": patterns(400)}), json!({})),
            "bounds.schema_pattern_memory",
        ),
        (tool(doubling(), json!({})), "bounds.schema_expansion"),
        (
            tool(json!({"properties": {"a": {"enum": many}}}), json!({})),
            "bounds.schema_nodes",
        ),
        (tool(json!({"properties": {"a": nested}}), json!({})), "64 levels"),
        (
            tool(json!({"description": "x".repeat(1 << 20)}), json!({})),
            "bounds.definition_bytes",
        ),
    ]
}

async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    let client = app.admin();
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn is_alive(app: &TestApp) {
    app.anonymous().get("/healthz").await.ok();
    assert_eq!(app.admin().get("/admin/tds").await.data(), json!([]));
}

#[tokio::test]
async fn killers_are_refused_at_every_door_and_the_gateway_lives() {
    let app = TestApp::start().await;
    for (definition, bound) in killers() {
        let put = app.admin().put("/admin/tds/killer", &definition).await.error(400);
        assert!(put.contains(bound), "{bound}: {put}");
        let dry = app
            .admin()
            .put("/admin/tds/killer?dry_run=true", &definition)
            .await
            .error(400);
        assert!(dry.contains(bound), "{bound}: {dry}");
        let asked = json!({"definition": definition, "arguments": {}});
        let explained = post(&app, "/admin/tds/killer/explain", &asked).await.error(400);
        assert!(explained.contains(bound), "{bound}: {explained}");
        let planned = json!({"definitions": [{"kind": "tds", "id": "killer", "document": definition}]});
        let planned = post(&app, "/admin/plan", &planned).await;
        assert!(planned.text.contains(bound), "{bound}: {}", planned.text);
        is_alive(&app).await;
    }
}

#[tokio::test]
async fn stored_killers_are_quarantined_with_the_bound_and_again_after_a_start() {
    let mut app = TestApp::sqlite().await;
    for (number, (definition, _)) in killers().into_iter().enumerate() {
        app.store(Key::tool(format!("killer{number}")), &definition.to_string())
            .await;
    }
    for _ in 0..2 {
        let quarantine = app.admin().get("/admin/quarantine?limit=100").await.data();
        let reasons = quarantine.as_array().unwrap();
        assert_eq!(reasons.len(), killers().len(), "{quarantine}");
        for (_, bound) in killers() {
            assert!(
                reasons.iter().any(|bad| bad.to_string().contains(bound)),
                "{bound}: {quarantine}"
            );
        }
        app.anonymous().get("/healthz").await.ok();
        app.restart().await;
    }
}

#[tokio::test]
async fn killers_cost_their_operation_of_an_import_or_its_patterns() {
    let app = TestApp::start().await;
    let mut paths = Map::new();
    let mut expected = Vec::new();
    for (number, (definition, bound)) in killers().into_iter().enumerate() {
        // Of those that are schemas.
        let schema = &definition["input_schema"];
        let of_schema =
            schema.get("properties").is_some() && definition["tds_ext_info"]["response"] == json!({});
        if !of_schema || bound == "64 levels" {
            continue;
        }
        let body = json!({"content": {"application/json": {"schema": {"type": "array", "items": schema}}}});
        paths.insert(format!("/p{number}"), json!({"post": {"requestBody": body}}));
        expected.push(bound);
    }
    // Its definitions are those of the document.
    let definitions = doubling()["$defs"].take();
    let text = json!({"openapi": "3.1.0", "info": {"title": "t"}, "paths": paths, "$defs": definitions});
    let path = "/admin/import/openapi?instance=i&base_url=http://a.example&dry_run=true";
    let report = post(&app, path, &text).await.data();
    let lists = ["created", "skipped", "notes"].map(|name| report[name].as_array().unwrap());
    let [created, skipped, notes] = lists;
    // A tool is there without its patterns, and the report says why; what else kills costs the operation.
    let is_of_patterns = |bound: &&str| bound.starts_with("bounds.schema_pattern");
    let of_patterns = expected.iter().filter(|bound| is_of_patterns(bound)).count();
    assert_eq!(
        (created.len(), notes.len()),
        (of_patterns, of_patterns),
        "{report}"
    );
    assert_eq!(skipped.len(), expected.len() - of_patterns, "{report}");
    for bound in expected {
        let told = if is_of_patterns(&bound) { notes } else { skipped };
        let is_named = told.iter().any(|told| told.to_string().contains(bound));
        assert!(is_named || bound == "bounds.schema_nodes", "{bound}: {report}");
    }
    is_alive(&app).await;
    let wide = format!("{{\"openapi\":\"3.0.0\",\"x\":[{}1]}}", "1,".repeat(4_100_000));
    let client = app.admin();
    let refusal = client
        .send(client.request(Method::POST, path).body(wide))
        .await
        .error(400);
    assert!(refusal.contains("bounds.description_nodes"), "{refusal}");
    is_alive(&app).await;
}

#[tokio::test]
async fn the_configuration_lowers_and_raises_bounds() {
    let app = TestApp::with(&[("bounds.jq_bytes", "16"), ("bounds.schema_patterns", "1")]).await;
    let definition = with_jq(".a | .b | .c | .d".to_owned());
    let refusal = app.admin().put("/admin/tds/t", &definition).await.error(400);
    assert!(
        refusal.contains("more than 16 bytes, the bound `bounds.jq_bytes`"),
        "{refusal}"
    );
    let two = json!({"properties": {"a": {"pattern": "x"}, "b": {"pattern": "y"}}});
    let refusal = app
        .admin()
        .put("/admin/tds/t", &tool(two, json!({})))
        .await
        .error(400);
    assert!(refusal.contains("more than 1 patterns"), "{refusal}");
}

/// Also of texts of a few bytes: whoever lowers a bound means it.
#[tokio::test]
async fn bounds_of_arguments_and_answers_hold_however_short_they_are() {
    let app = TestApp::with(&[
        ("bounds.arguments_depth", "3"),
        ("bounds.arguments_nodes", "9"),
        ("bounds.answer_depth", "3"),
        ("bounds.answer_nodes", "9"),
    ])
    .await;
    let fixed = json!({"name": "fixed", "description": "Says nothing.", "input_schema": {"type": "object"},
        "static": {"content": [{"type": "text", "text": "-"}]}});
    app.admin().put("/admin/tds/fixed", &fixed).await.ok();
    let upstream = answering().await;
    let echo = json!({"name": "echo", "description": "Says it again.", "input_schema": {"type": "object"}, "tds_ext_info": {
        "domain": format!("http://{upstream}"), "method": "POST", "path": "/", "body": {"root": "/a"},
        "response": {"jq": "."}}});
    app.admin().put("/admin/tds/echo", &echo).await.ok();
    let silent = json!({"name": "silent", "description": "Answers.", "input_schema": {"type": "object"}, "tds_ext_info": {
        "domain": format!("http://{upstream}"), "method": "POST", "path": "/", "body": {"mode": "json", "template": "{{ args.text }}"},
        "response": {"template": "{{ body | length }}"}}});
    app.admin().put("/admin/tds/silent", &silent).await.ok();
    app.put_instance("i", &["fixed", "echo", "silent"]).await;
    let client = McpClient::new(app.user(), "i");
    let told = async |tool: &str, arguments: Value| {
        let result = client.call(tool, arguments).await;
        (
            result["isError"] == true,
            result["content"][0]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let (deep, many) = (json!({"a": [[[1]]]}), json!({"a": [1, 2, 3, 4, 5, 6, 7, 8]}));
    for tool in ["fixed", "echo"] {
        for (arguments, bound) in [
            (&deep, "3 levels of nesting, the bound `bounds.arguments_depth`"),
            (&many, "9 values, the bound `bounds.arguments_nodes`"),
        ] {
            let (is_error, text) = told(tool, arguments.clone()).await;
            assert!(is_error && text.contains(bound), "{tool}: {text}");
        }
        let (is_error, text) = told(tool, json!({"a": [[1, 2, 3]]})).await;
        assert!(!is_error, "{tool}: {text}");
    }
    // Brackets in texts are no levels; what the upstream makes of them are.
    for (text, bound) in [
        (
            "[[[[1]]]]",
            "3 levels of nesting, the bound `bounds.answer_depth`",
        ),
        ("[1,2,3,4,5,6,7,8,9]", "9 values, the bound `bounds.answer_nodes`"),
    ] {
        let (is_error, said) = told("silent", json!({"text": text})).await;
        assert!(is_error && said.contains(bound), "{text}: {said}");
    }
    let (is_error, said) = told("silent", json!({"text": "[[1, 2]]"})).await;
    assert!(!is_error && said == "1", "{said}");
}

/// An upstream that answers what it is sent; a text of JSON as the JSON that it is.
async fn answering() -> std::net::SocketAddr {
    use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, routing::post};
    let answer = |body: Bytes| async move {
        let text = serde_json::from_slice::<String>(&body).map_or(body, Bytes::from);
        ([(CONTENT_TYPE, "application/json")], text)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/", post(answer)))
            .await
            .unwrap()
    });
    address
}

/// What definitions are sent in takes memory before any of them is looked at.
#[tokio::test]
async fn what_operators_send_is_held_against_the_memory_that_there_is() {
    let app = TestApp::with(&[("app.memory_budget", "64MiB")]).await;
    let client = app.admin();
    let least = r#"{"kind":"a","id":"","document":0},"#.repeat(300_000);
    let plan = format!(r#"{{"definitions":[{}]}}"#, least.trim_end_matches(','));
    for path in ["/admin/plan", "/admin/apply"] {
        let request = client.request(Method::POST, path).body(plan.clone());
        let refusal = client.send(request).await.error(413);
        assert!(refusal.contains("app.memory_budget"), "{refusal}");
    }
    // 1.9 million members under a name that says nothing, and the same in YAML.
    let members = |written: fn(usize) -> String| (0..1_900_000).map(written).collect::<String>();
    let json = format!(
        r#"{{"openapi":"3.0.0","x":{{{}"z":0}}}}"#,
        members(|n| format!("\"{n:x}\":1,"))
    );
    let yaml = format!("openapi: 3.0.0\nx:\n{}", members(|n| format!(" {n:x}: 1\n")));
    for text in [json, yaml] {
        let path = "/admin/import/openapi?instance=i&base_url=http://a.example&dry_run=true";
        let refusal = client
            .send(client.request(Method::POST, path).body(text))
            .await
            .error(413);
        assert!(refusal.contains("`app.memory_budget`"), "{refusal}");
    }
    let lists = format!(
        r#"{{"instance":"i","document":{{}},"include":[{}""]}}"#,
        r#""","#.repeat(20_000)
    );
    let request = client.request(Method::POST, "/admin/import/openapi").body(lists);
    assert!(client.send(request).await.error(400).contains("10000 entries"));
    let values = format!(r#"{{"arguments":[{}1]}}"#, "1,".repeat(2_000_000));
    let request = client.request(Method::POST, "/admin/access/explain").body(values);
    assert!(
        client
            .send(request)
            .await
            .error(400)
            .contains("256 MiB of memory")
    );
    is_alive(&app).await;
}

/// As large as the largest descriptions that are published: 12 MB, 1,100 operations, half a million values.
#[tokio::test]
async fn a_large_description_is_imported_with_the_memory_of_a_small_machine() {
    let app = TestApp::with(&[("app.memory_budget", "512MiB")]).await;
    let schema = |n: usize| {
        let members: Map<_, _> = (0..12)
            .map(|m| (format!("member_{n}_{m}"), json!({"type": "string", "description": "What it is, in a sentence of usual length.", "example": "value"})))
            .collect();
        (
            format!("schema-{n}"),
            json!({"type": "object", "title": format!("Schema {n}"), "properties": members, "required": [format!("member_{n}_0")]}),
        )
    };
    let schemas: Map<_, _> = (0..6_000).map(schema).collect();
    let operation = |n: usize| {
        let parameters = json!([{"name": "owner", "in": "path", "required": true, "description": "The account.", "schema": {"type": "string"}}]);
        let answer = json!({"description": "Fine", "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/schema-{n}")}}}});
        let operation = json!({"operationId": format!("op{n}"), "summary": "Does something", "parameters": parameters, "responses": {"200": answer}});
        (format!("/{{owner}}/things{n}"), json!({"get": operation}))
    };
    let paths: Map<_, _> = (0..1_100).map(operation).collect();
    let document = json!({"openapi": "3.0.3", "info": {"title": "Large"}, "paths": paths, "components": {"schemas": schemas}});
    let text = serde_json::to_string_pretty(&document).unwrap();
    assert!((12 << 20..24 << 20).contains(&text.len()), "{}", text.len());
    let client = app.admin();
    let path = "/admin/import/openapi?instance=large&base_url=http://a.example&dry_run=true";
    let report = client
        .send(client.request(Method::POST, path).body(text))
        .await
        .data();
    assert_eq!(
        report["created"].as_array().map(Vec::len),
        Some(1_100),
        "{}",
        report["skipped"]
    );
}
