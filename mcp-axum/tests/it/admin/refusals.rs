//! Bad input: the error is named, nothing is stored, nothing else is disturbed.

use super::{instance, tool, v1_tool};
use crate::test_app::TestApp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A body that is no document, and what the refusal must say.
fn broken_bodies() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let document = v1_tool().to_string();
    let deep = format!(
        "{{\"name\":\"x\",\"x\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    vec![
        ("empty", Vec::new(), "line 1 column 0"),
        ("cut", document.as_bytes()[..40].to_vec(), "line 1 column 40"),
        ("second line", b"{\n  \"name\": nope}".to_vec(), "line 2 column"),
        ("trailing", [document.as_bytes(), b"{}"].concat(), "trailing"),
        ("array", b"[]".to_vec(), "JSON object"),
        ("text", b"\"x\"".to_vec(), "JSON object"),
        ("null", b"null".to_vec(), "JSON object"),
        ("number", b"12".to_vec(), "JSON object"),
        ("NaN", b"{\"name\":NaN}".to_vec(), "line 1"),
        ("comment", b"{/**/}".to_vec(), "line 1"),
        ("yaml", b"name: x".to_vec(), "line 1"),
        (
            "duplicate",
            br#"{"name":"a","name":"b"}"#.to_vec(),
            "`name` appears twice",
        ),
        (
            "duplicate inside",
            br#"{"tds_ext_info":{"path":"/","path":"/"}}"#.to_vec(),
            "tds_ext_info",
        ),
        (
            "duplicate by escape",
            br#"{"name":"a","n\u0061me":"b"}"#.to_vec(),
            "`name` appears twice",
        ),
        ("deep", deep.into_bytes(), "64 levels"),
        ("not UTF-8", b"{\"name\":\"\xff\xfe\"}".to_vec(), "UTF-8"),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec(), "UTF-8"),
        ("lone surrogate", br#"{"name":"\ud800"}"#.to_vec(), "hex escape"),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "UTF-8"),
    ]
}

/// A tool document with one thing wrong, and what the refusal must say.
fn wrong_tools() -> Vec<(Value, &'static [&'static str])> {
    let with = |pointer: &str, value: Value| {
        let mut document = v1_tool();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[name] = value;
        document
    };
    let without = |parent: &str, name: &str| {
        let mut document = v1_tool();
        document
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(name);
        document
    };
    vec![
        (json!({}), &["name"]),
        (without("", "name"), &["name"]),
        (without("", "description"), &["description"]),
        (without("", "tds_ext_info"), &["tds_ext_info"]),
        (without("/tds_ext_info", "domain"), &["tds_ext_info.domain"]),
        (without("/tds_ext_info", "method"), &["tds_ext_info", "method"]),
        (with("/name", json!(7)), &["name", "string"]),
        (with("/name", json!("")), &["name", "empty"]),
        (with("/name", json!("x".repeat(65))), &["name", "64"]),
        (with("/name", json!("with space")), &["name", "' '"]),
        (with("/name", json!("größe")), &["name", "'ö'"]),
        (with("/name", json!("a\r\nb")), &["name", "'\\r'"]),
        (with("/name", json!("a/b")), &["name", "'/'"]),
        (with("/description", json!("  ")), &["description"]),
        (with("/description", json!(null)), &["description"]),
        (with("/enabled", json!("yes")), &["enabled", "boolean"]),
        (with("/tags", json!("billing")), &["tags"]),
        (
            with("/input_schema", json!({"type": "objekt"})),
            &["input_schema"],
        ),
        (
            with(
                "/input_schema",
                json!({"type": "object", "properties": {"a": {"pattern": "("}}}),
            ),
            &["input_schema"],
        ),
        (
            with("/input_schema", json!({"type": "object", "properties": 7})),
            &["input_schema"],
        ),
        (with("/input_schema", json!([])), &["input_schema"]),
        (with("/input_schema", json!("{}")), &["input_schema"]),
        (with("/tds_ext_info/domain", json!("")), &["tds_ext_info.domain"]),
        (
            with("/tds_ext_info/domain", json!("exa mple.com")),
            &["tds_ext_info.domain"],
        ),
        (
            with("/tds_ext_info/domain", json!("ftp://example.com")),
            &["tds_ext_info.domain"],
        ),
        (
            with("/tds_ext_info/base_url", json!("https://example.com")),
            &["tds_ext_info.base_url", "domain"],
        ),
        (
            with("/tds_ext_info/method", json!("GE T")),
            &["tds_ext_info.method"],
        ),
        (
            with("/tds_ext_info/method", json!("GET\r\nX: y")),
            &["tds_ext_info.method"],
        ),
        (
            with("/tds_ext_info/path", json!("/a/{id")),
            &["tds_ext_info.path"],
        ),
        (
            with("/tds_ext_info/headers", json!({"X-A": "a\r\nX-B: c"})),
            &["tds_ext_info.headers", "X-A"],
        ),
        (
            with("/tds_ext_info/headers", json!({"X A": "b"})),
            &["tds_ext_info.headers", "X A"],
        ),
        (
            with("/tds_ext_info/headers", json!({"X-A": "b", "x-a": "c"})),
            &["tds_ext_info.headers"],
        ),
        (
            with(
                "/tds_ext_info/headers",
                json!({"X-A": "{{ nowhere.to.be.found }}"}),
            ),
            &["tds_ext_info.headers", "nowhere"],
        ),
        (
            with("/tds_ext_info/query", json!({"a": "x{{ nowhere }}"})),
            &["tds_ext_info.query", "nowhere"],
        ),
        (
            with("/tds_ext_info/query", json!({"a": "{{ args."})),
            &["tds_ext_info.query"],
        ),
        (
            with("/tds_ext_info/auth", json!({"type": "bearer", "credential": "x"})),
            &["tds_ext_info.auth", "${env:"],
        ),
        (
            with("/tds_ext_info/cache", json!({"ttl_ms": 1})),
            &["tds_ext_info.cache", "not supported yet"],
        ),
        (
            with("/tds_ext_info/limits", json!({"max_request_bytes": "lots"})),
            &["tds_ext_info.limits.max_request_bytes"],
        ),
        (
            with("/tds_ext_info/timeout_ms", json!(-1)),
            &["tds_ext_info.timeout_ms"],
        ),
        (
            with("/tds_ext_info/required_params", json!([1])),
            &["tds_ext_info.required_params"],
        ),
    ]
}

#[tokio::test]
async fn what_is_no_document_is_400_and_changes_nothing() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let before = admin.put("/admin/tds/t", &v1_tool()).await.ok();
    let mut wrong = Vec::new();
    for (name, body, says) in broken_bodies() {
        for path in ["/admin/tds/t", "/admin/ids/new"] {
            let answer = admin.put_text(path, body.clone()).await;
            let named = answer.text.contains("the body is no document: ") && answer.text.contains(says);
            if answer.status != 400 || !named {
                wrong.push(format!(
                    "{name}: not 400 with `{says}`: {} {}",
                    answer.status, answer.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        admin.get("/admin/tds/t").await.json()["data"],
        before.json()["data"]
    );
    assert_eq!(admin.get("/admin/ids").await.data(), json!([]));
    assert_eq!(
        admin.get("/admin/status").await.data()["revision"],
        before.revision()
    );
}

#[tokio::test]
async fn a_wrong_tool_is_400_with_the_field_and_disturbs_nothing() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let upstream = app.with_item_tools("shop").await;
    let before = admin.get("/admin/tds").await.json();
    let mut wrong = Vec::new();
    for (document, says) in wrong_tools() {
        for path in ["/admin/tds/get_item", "/admin/tds/new"] {
            let answer = admin.put(path, &document).await;
            let text = answer.json()["error"].as_str().unwrap_or_default().to_owned();
            if answer.status != 400 || !says.iter().all(|part| text.contains(part)) {
                wrong.push(format!(
                    "{document}: not 400 with {says:?}: {} {}",
                    answer.status, answer.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(admin.get("/admin/tds").await.json(), before);
    assert_eq!(admin.get("/admin/quarantine").await.data(), json!([]));
    app.mcp("shop").call("get_item", json!({"id": 1})).await;
    assert_eq!(upstream.last().path, "/items/1");
}

#[tokio::test]
async fn a_wrong_instance_is_400_with_the_field() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let wrong: [(Value, &str); 10] = [
        (json!({}), "name"),
        (json!({"name": "i", "tool_ids": "t"}), "tool_ids"),
        (json!({"name": "i", "tool_ids": [7]}), "tool_ids[0]"),
        (json!({"name": "i", "tool_ids": [{"name": "x"}]}), "tool_ids[0]"),
        (
            json!({"name": "i", "tool_ids": [{"id": "t", "name": "a b"}]}),
            "tool_ids[0].name",
        ),
        (
            json!({"name": "i", "tool_ids": [{"id": "t", "hide": "x"}]}),
            "tool_ids[0]",
        ),
        (json!({"name": "i", "vars": ["a"]}), "vars"),
        (
            json!({"name": "i", "metadata": {"proto_type": "carrier-pigeon"}}),
            "metadata",
        ),
        (json!({"name": "i", "auth": "oauth"}), "auth"),
        (json!({"name": "i", "include": {"tags": "x"}}), "include"),
    ];
    for (document, says) in wrong {
        let text = admin.put("/admin/ids/i", &document).await.error(400);
        assert!(text.contains(says), "{document}: {text}");
    }
    admin.get("/admin/ids/i").await.error(404);
}

#[tokio::test]
async fn one_name_for_two_tools_of_an_instance_is_409_naming_them() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.put("/admin/tds/a", &tool("a", "find")).await.ok();
    admin.put("/admin/tds/b", &tool("b", "other")).await.ok();
    admin
        .put("/admin/ids/shop", &instance("shop", &["a", "b"]))
        .await
        .ok();
    admin.put("/admin/tds/c", &tool("c", "find")).await.ok();
    let named = |text: &str, words: &[&str]| words.iter().all(|word| text.contains(&format!("`{word}`")));

    // By the tool …
    let text = admin.put("/admin/tds/b", &tool("b", "find")).await.error(409);
    assert!(named(&text, &["shop", "find", "a", "b"]), "{text}");
    // … and by the instance.
    let text = admin
        .put("/admin/ids/shop", &instance("shop", &["a", "b", "c"]))
        .await
        .error(409);
    assert!(named(&text, &["shop", "find", "a", "c"]), "{text}");
    let text = admin
        .put("/admin/ids/new", &instance("new", &["a", "c"]))
        .await
        .error(409);
    assert!(named(&text, &["new", "find", "a", "c"]), "{text}");

    assert_eq!(admin.get("/admin/tds/b").await.data()["name"], "other");
    assert_eq!(
        admin.get("/admin/ids/shop").await.data()["tool_ids"],
        json!(["a", "b"])
    );
    admin.get("/admin/ids/new").await.error(404);
    assert_eq!(app.mcp("shop").tool_names().await, ["find", "other"]);
    // Under another name it may come in.
    let renamed = json!({"name": "i", "tool_ids": ["a", {"id": "c", "name": "find_too"}]});
    admin.put("/admin/ids/new", &renamed).await.ok();
    assert_eq!(app.mcp("new").tool_names().await, ["find", "find_too"]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let app = TestApp::with(&[("app.max_body_bytes", "20000")]).await;
    let admin = app.admin();
    let mut document = v1_tool();
    document["padding"] = json!("x".repeat(20_000));
    let text = admin.put("/admin/tds/t", &document).await.error(413);
    assert!(
        text.contains("20000") && text.contains("app.max_body_bytes"),
        "{text}"
    );
    app.put_instance("i", &[]).await;
    let text = app.mcp("i").bare("x".repeat(20_001)).await.error(413);
    assert!(text.contains("app.max_body_bytes"), "{text}");
    // Far larger than what any buffer between here and there holds, and without a length.
    let chunks = (0..300).map(|_| Ok::<_, std::io::Error>(vec![b' '; 100_000]));
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let sent = admin
        .request(reqwest::Method::PUT, "/admin/tds/t")
        .body(stream)
        .send()
        .await;
    // The connection may also be cut while the rest is still being sent.
    assert!(sent.is_err() || sent.is_ok_and(|answer| answer.status() == 413));
    admin.get("/admin/tds/t").await.error(404);
    document["padding"] = json!("x".repeat(10_000));
    admin.put("/admin/tds/t", &document).await.ok();
}

#[tokio::test]
async fn headers_that_are_no_headers_disturb_nothing() {
    let app = TestApp::start().await;
    let key = app.admin_key();
    for (line, status) in [
        ("x-api-key: a\rb", "400"),
        ("x-api-key: a\0b", "400"),
        ("x-api key: b", "400"),
        ("x-api-key: \u{e9}", "401"),
        ("no colon", "400"),
    ] {
        let text =
            format!("GET /admin/tds HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{line}\r\n\r\n");
        let answer = raw(&app, &text).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{line:?}: {answer}"
        );
    }
    let smuggled = format!(
        "PUT /admin/tds/t HTTP/1.1\r\nHost: localhost\r\nx-api-key: {key}\r\nIf-Match: \"1\u{7f}\"\r\nConnection: close\r\n\r\n"
    );
    let answer = raw(&app, &smuggled).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    app.admin().get("/admin/tds").await.ok();
}

/// Sends these bytes and reads until the gateway closes the connection.
async fn raw(app: &TestApp, text: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(app.address()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An error here is a connection that was reset after the answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn mistakes_of_every_stage_are_named_together_and_none_that_only_follow() {
    let app = TestApp::start().await;
    let admin = app.admin();
    // A shape, a rule, a program, a template, a schema.
    let mut document = tool("t", "t");
    document["title"] = json!(7);
    document["tds_ext_info"]["timeout_ms"] = json!(0);
    document["tds_ext_info"]["headers"] = json!({"X-A": "{{ args. }}"});
    document["tds_ext_info"]["response"] = json!({"jq": ".a |"});
    document["output_schema"] = json!({"type": "objekt"});
    let refused = admin.put("/admin/tds/t", &document).await;
    assert_eq!(refused.status, 400);
    let text = refused.json()["error"].as_str().unwrap().to_owned();
    for place in [
        "title: invalid type",
        "tds_ext_info.timeout_ms: must be",
        "tds_ext_info.headers.X-A: ",
        "tds_ext_info.response.jq: ",
        "output_schema",
    ] {
        assert!(text.contains(place), "{place}: {text}");
    }

    // The placeholder has nothing to fill it, since `params` cannot be read.
    document["tds_ext_info"] = json!({"domain": "api.example.com", "method": "GET", "path": "/x/{id}",
        "params": {"id": {"in": "path"}}, "response": {"jq": ".a |"}});
    let text = admin.put("/admin/tds/t", &document).await.text;
    assert!(text.contains("tds_ext_info.params: invalid type"), "{text}");
    assert!(text.contains("tds_ext_info.response.jq: "), "{text}");
    assert!(!text.contains("tds_ext_info.path"), "{text}");

    // Neither does a schema that cannot be read hide the rest, nor bring mistakes of its own.
    document["title"] = json!("T");
    document["input_schema"] = json!([]);
    document["tds_ext_info"]["params"] = json!([{"name": "id", "in": "path"}]);
    let text = admin.put("/admin/tds/t", &document).await.text;
    assert!(text.contains("input_schema: must be a JSON object"), "{text}");
    assert!(text.contains("tds_ext_info.response.jq: "), "{text}");
    assert!(!text.contains("tds_ext_info.params"), "{text}");

    let mut wrong = instance("i", &[]);
    wrong["enabled"] = json!("yes");
    wrong["tool_ids"] = json!([{"id": "t", "name": "a b"}]);
    let text = admin.put("/admin/ids/i", &wrong).await.text;
    assert!(text.contains("enabled: invalid type"), "{text}");
    assert!(text.contains("tool_ids[0].name: has the character ' '"), "{text}");
    let wrong = json!({"url": "ftp://a", "priority": "high"});
    let text = admin.put("/admin/uds/u", &wrong).await.text;
    assert!(text.contains("priority: invalid type"), "{text}");
    assert!(text.contains("url: "), "{text}");
}

#[tokio::test]
async fn credentials_that_an_instance_gives_are_warned_of() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let mut document = tool("t", "t");
    document["input_schema"] =
        json!({"properties": {"api_key": {"type": "string"}, "page": {"type": "string"}}});
    admin.put("/admin/tds/t", &document).await.ok();
    let mut odd = instance("i", &[]);
    odd["vars"] = json!({"client_secret": "hunter2hunter2", "base": "https://a.example"});
    odd["tool_ids"] = json!([{"id": "t", "defaults": {"api_key": "hunter2hunter2", "page": "1"}}]);
    let written = admin.put("/admin/ids/i", &odd).await.ok();
    let warnings = written.json()["warnings"].to_string();
    for place in [
        "vars.client_secret: a credential",
        "tool_ids[0].defaults.api_key: a credential",
    ] {
        assert!(warnings.contains(place), "{place}: {warnings}");
    }
    assert!(
        !warnings.contains("hunter2") && !warnings.contains("base"),
        "{warnings}"
    );
    assert_eq!(admin.put("/admin/ids/i?strict=true", &odd).await.status, 400);
}

#[tokio::test]
async fn texts_for_models_that_clients_cut_or_refuse_are_warned_of() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.put("/admin/tds/t", &tool("t", "t")).await.ok();
    let mut long = instance("i", &[]);
    long["description"] = json!("x".repeat(2_049));
    long["tool_ids"] = json!([{"id": "t", "description": "y".repeat(1_025)}]);
    let warnings = admin.put("/admin/ids/i", &long).await.ok().json()["warnings"].to_string();
    assert!(
        warnings.contains("description: becomes the server's instructions and has 2049 bytes"),
        "{warnings}"
    );
    assert!(
        warnings.contains("tool_ids[0].description: has 1025 characters"),
        "{warnings}"
    );
    long["description"] = json!("x".repeat(2_048));
    long["tool_ids"] = json!([{"id": "t", "description": "ä".repeat(1_024)}]);
    let written = admin.put("/admin/ids/i", &long).await.ok();
    assert_eq!(written.json().get("warnings"), None, "{}", written.text);
}
