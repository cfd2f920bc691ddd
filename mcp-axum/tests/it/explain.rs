//! `POST /admin/tds/{id}/explain`: what would be sent is what is sent.

use crate::test_app::{Answer, Recorded, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tempfile::TempDir;

const SECRET: &str = "tr0ub4dor/+&3";

async fn explain(app: &TestApp, id: &str, body: &Value) -> Answer {
    let client = app.admin();
    let request = client.request(Method::POST, &format!("/admin/tds/{id}/explain"));
    client.send(request.body(body.to_string())).await
}

/// A gateway that may read secrets in the folder, which has `token`.
async fn with_secret() -> (TestApp, TempDir, String) {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, SECRET).unwrap();
    let app = TestApp::with(&[("secrets.file_dir", folder.path().to_str().unwrap())]).await;
    (app, folder, format!("${{file:{}}}", token.display()))
}

/// Everything that counts. The boundary of a multipart body is another one in each call.
fn normal(recorded: &Recorded) -> Value {
    let content_type = recorded.headers.get("content-type");
    let content_type = content_type.map_or("", |value| value.to_str().unwrap());
    let boundary = content_type.split_once("boundary=").map(|(_, boundary)| boundary);
    let same = |text: &str| match boundary {
        Some(boundary) => text.replace(boundary, "BOUNDARY"),
        None => text.to_owned(),
    };
    let headers: BTreeSet<(String, String)> = recorded
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), same(value.to_str().unwrap())))
        .collect();
    // Each byte as the character of that number: files are no text.
    let body: String = recorded.body.iter().map(|byte| char::from(*byte)).collect();
    let body = same(&body);
    json!({"method": recorded.method, "path": recorded.path, "query": recorded.query, "headers": headers, "body": body})
}

async fn shell(explained: &Value) {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("line.sh");
    std::fs::write(&script, explained["curl"]["line"].as_str().unwrap()).unwrap();
    let mut command = std::process::Command::new("sh");
    command.arg(&script);
    for variable in explained["curl"]["variables"].as_array().into_iter().flatten() {
        command.env(variable["name"].as_str().unwrap(), SECRET);
    }
    let done = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn the_curl_line_sends_what_a_tool_call_sends() {
    let (app, _folder, token) = with_secret().await;
    let upstream = app.upstream().await;
    let nasty = "it's \"quoted\" $HOME `id` %s \\n ü 查询 \u{1F600}\r\n\tend";
    let schema = json!({"type": "object", "properties": {
        "id": {}, "q": {}, "tags": {}, "trace": {}, "sid": {}, "file": {"contentEncoding": "base64"}
    }});
    let params = json!([
        {"name": "trace", "in": "header", "as": "X-Trace"}, {"name": "sid", "in": "cookie"},
        {"name": "tags", "in": "query", "explode": false}, {"name": "v", "in": "query", "const": "2024-10"}
    ]);
    let table = [
        ("GET", json!({"params": params})),
        (
            "POST",
            json!({"params": params, "auth": {"type": "bearer", "credential": token}}),
        ),
        (
            "POST",
            json!({"params": params, "body": {"mode": "form"}, "auth": {"type": "basic", "username": "ann", "password": token}}),
        ),
        (
            "PUT",
            json!({"params": params, "body": {"parts": [{"name": "file", "filename": "ü \"x\".bin"}]}}),
        ),
        (
            "DELETE",
            json!({"params": params, "auth": {"type": "api_key", "credential": token, "in": "cookie", "name": "key"}}),
        ),
    ];
    let arguments = json!({
        "id": nasty, "q": nasty, "tags": ["a b", "c"], "trace": "it's \"$x\"", "sid": nasty, "file": "AAECA//+"
    });
    for (method, more) in table {
        let mut binding = json!({"domain": upstream.origin(), "method": method, "path": "/things/{id}"});
        for (name, value) in more.as_object().unwrap() {
            binding[name] = value.clone();
        }
        let document = json!({"name": "thing", "description": "A thing.", "input_schema": schema, "tds_ext_info": binding});
        app.admin().put("/admin/tds/thing", &document).await.ok();
        app.put_instance("i", &["thing"]).await;

        let result = app.mcp("i").call("thing", arguments.clone()).await;
        assert_eq!(result["isError"], false, "{result}");
        let called = upstream.last();
        let before = upstream.requests().len();
        let answer = explain(&app, "thing", &json!({"arguments": arguments}))
            .await
            .ok();
        assert!(!answer.text.contains(SECRET), "{}", answer.text);
        assert_eq!(upstream.requests().len(), before, "explaining sends nothing");
        let explained = answer.data();
        assert_eq!(explained["valid"], true, "{explained}");
        shell(&explained).await;
        assert_eq!(upstream.requests().len(), before + 1);
        assert_eq!(
            normal(&upstream.last()),
            normal(&called),
            "{}",
            explained["curl"]["line"]
        );
    }
}

#[tokio::test]
async fn with_send_the_answer_stands_beside_the_result_and_no_secret_in_either() {
    let (app, _folder, token) = with_secret().await;
    let upstream = app.upstream().await;
    upstream.reply_json(
        200,
        &json!({"data": [{"id": 1}], "you_sent": SECRET, "noise": "x".repeat(400)}),
    );
    let binding = json!({
        "domain": upstream.origin(), "method": "GET", "path": "/x",
        "auth": {"type": "api_key", "credential": token, "in": "query", "name": "key"},
        "response": {"jq": "{data, you_sent}"}
    });
    let document = json!({"name": "t", "description": "T.", "tds_ext_info": binding});
    app.admin().put("/admin/tds/t", &document).await.ok();
    let answer = explain(&app, "t", &json!({"send": true})).await.ok();
    let query = upstream.last().query.unwrap();
    assert_eq!(query, "key=tr0ub4dor%2F%2B%263", "it was sent with the secret");
    for spelling in [SECRET, "tr0ub4dor"] {
        assert!(!answer.text.contains(spelling), "{}", answer.text);
    }
    let sent = &answer.data()["sent"];
    assert_eq!(sent["answer"]["status"], 200);
    assert!(
        sent["answer"]["body"]["text"]
            .as_str()
            .unwrap()
            .contains("\"you_sent\":\"***\"")
    );
    let raw = sent["answer"]["body"]["tokens"].as_u64().unwrap();
    let shaped = sent["result"]["content_cost"]["tokens"].as_u64().unwrap();
    assert!(shaped < raw, "{shaped} {raw}");
    assert_eq!(sent["result"]["isError"], false);
    assert!(sent["timings"]["upstream_ms"].as_f64().unwrap() >= 0.0);
    let whole = explain(&app, "t", &json!({"send": false})).await.data();
    assert_eq!(
        whole["request"]["url"],
        format!("{}/x?key=***", upstream.origin())
    );
    assert!(whole["sent"].is_null());
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_explained_not_refused() {
    let app = TestApp::start().await;
    let upstream = app.with_item_tools("i").await;
    let answer = explain(
        &app,
        "get_item",
        &json!({"arguments": {"id": "seven"}, "send": true}),
    )
    .await
    .ok();
    assert_eq!(answer.warnings(), ["nothing was sent: `problems` says why"]);
    let explained = answer.data();
    assert_eq!(explained["valid"], false);
    assert_eq!(
        explained["problems"],
        json!([{"path": "/id", "reason": "\"seven\" is not of type \"integer\""}])
    );
    assert_eq!(
        explained["request"]["url"],
        format!("{}/items/seven", upstream.origin())
    );
    assert_eq!(
        explained["placements"][0]["rule"],
        "placeholder {id} of tds_ext_info.path"
    );
    assert_eq!(explained["instance"], "i");
    let explained = explain(&app, "get_item", &json!({})).await.data();
    assert_eq!(
        explained["endpoint"],
        format!("{}/items/{{id}}", upstream.origin())
    );
    assert!(explained["request"].is_null() && explained["curl"].is_null());
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_draft_is_explained_before_it_is_stored_and_refused_as_put_refuses_it() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let draft = |path: &str| {
        let binding = json!({
            "domain": upstream.origin(), "method": "GET", "path": path,
            "headers": {"X-Who": "{{ principal.sub }}", "X-Where": "{{ instance.id }}"},
            "auth": {"type": "passthrough", "header": "X-Upstream-Authorization"}
        });
        let schema = json!({"type": "object", "properties": {"id": {}}});
        json!({"name": "d", "description": "D.", "input_schema": schema, "tds_ext_info": binding})
    };
    app.admin()
        .put("/admin/ids/desk", &json!({"name": "Desk"}))
        .await
        .ok();
    let asked = json!({
        "definition": draft("/x/{id}"), "arguments": {"id": 7}, "instance": "desk", "principal": {"sub": "ann"},
        "headers": {"X-Upstream-Authorization": format!("Bearer {SECRET}")}, "send": true
    });
    let answer = explain(&app, "new", &asked).await.ok();
    assert!(!answer.text.contains(SECRET), "{}", answer.text);
    assert_eq!(
        answer.warnings(),
        ["instance: IDS `desk` does not have this tool"]
    );
    assert!(answer.header("etag").is_none(), "a draft has no revision");
    let last = upstream.last();
    let header = |name: &str| last.headers[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("x-who"), header("x-where")),
        ("ann".to_owned(), "desk".to_owned())
    );
    assert_eq!(header("authorization"), format!("Bearer {SECRET}"));
    app.admin().get("/admin/tds/new").await.expect(404);

    let bad = draft("/x/{nobody}");
    let refused = app.admin().put("/admin/tds/new", &bad).await.error(400);
    assert!(refused.contains("`nobody`"), "{refused}");
    let asked = json!({"definition": bad});
    assert_eq!(explain(&app, "new", &asked).await.error(400), refused);
    let refused = explain(&app, "new", &json!({"definition": []})).await.error(400);
    assert!(
        refused.starts_with("definition: the body is no document"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_cannot_be_explained_is_said() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let missing = explain(&app, "nothing", &json!({})).await.error(404);
    assert!(missing.contains("send it as `definition`"), "{missing}");
    let missing = explain(&app, "get_item", &json!({"instance": "j"}))
        .await
        .error(404);
    assert_eq!(missing, "instance: there is no IDS `j`");
    for (body, expected) in [
        (json!({"argument": {}}), "unknown field `argument`"),
        (json!({"send": "yes"}), "expected a boolean"),
        (json!([]), "the body must be"),
        (
            json!({"headers": {"a b": "c"}}),
            "headers: `a b` is not the name of a header",
        ),
        (
            json!({"headers": {"a": "b\r\nc"}}),
            "headers.a: the value cannot stand in a header",
        ),
    ] {
        let reason = explain(&app, "get_item", &body).await.error(400);
        assert!(reason.contains(expected), "{reason}");
    }
    let client = app.user();
    let request = client.request(Method::POST, "/admin/tds/get_item/explain");
    client.send(request).await.expect(403);
    let client = app.admin();
    let empty = client.request(Method::POST, "/admin/tds/get_item/explain");
    assert_eq!(client.send(empty).await.data()["valid"], false);
    client.get("/admin/tds/get_item/explain").await.expect(405);
    let of_instance = client.request(Method::POST, "/admin/ids/i/explain");
    client.send(of_instance).await.expect(404);

    let key = mcp_common::key::Key::tool("broken");
    app.store(key, r#"{"name":"broken"}"#).await;
    let reason = explain(&app, "broken", &json!({})).await.error(409);
    assert!(reason.contains("quarantined"), "{reason}");
}

#[tokio::test]
async fn the_openapi_document_knows_every_member_of_the_answer() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let api = app.anonymous().get("/admin/openapi.json").await.json();
    let asked = json!({"arguments": {"name": "x"}, "send": true});
    let explained = explain(&app, "add_item", &asked).await.data();
    let table = [
        ("Explanation", ""),
        ("ShownRequest", "/request"),
        ("ShownHeader", "/request/headers/0"),
        ("ShownBody", "/request/body"),
        ("Curl", "/curl"),
        ("Placement", "/placements/0"),
        ("Sent", "/sent"),
        ("ShownAnswer", "/sent/answer"),
    ];
    for (schema, place) in table {
        let known = api["components"]["schemas"][schema]["properties"]
            .as_object()
            .unwrap();
        let members = explained.pointer(place).and_then(Value::as_object).unwrap();
        for name in members.keys() {
            assert!(known.contains_key(name), "{schema} does not know `{name}`");
        }
    }
}
