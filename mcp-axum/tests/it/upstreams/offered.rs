//! Resources, templates, prompts and completion of upstreams.

use super::{ready, server::McpServer};
use crate::test_app::{TestApp, eventually};
use futures_util::FutureExt;
use serde_json::{Value, json};

/// What typed models lose: order, unknown members, digits, escapes.
const CONTENTS: &str = r#""contents":[{"uri":"test://a","mimeType":"text/plain","text":"\u00e9","x-own":{"z":12345678901234567890123,"a":1.10}}],"x-own":[1e2]"#;
const MESSAGES: &str = r#""messages":[{"role":"user","content":{"type":"text","text":"Hi","x-own":1.0}}],"description":"d","x-own":12345678901234567890123"#;
const COMPLETION: &str = r#""completion":{"values":["b","a"],"total":2,"x-own":1.50}"#;
const RESOURCE: &str = r#"{"uri":"test://a","name":"a","size":12345678901234567890123,"annotations":{"priority":1.10},"x-own":{"z":1,"a":2}}"#;
const PROMPT: &str = r#"{"arguments":[{"name":"n","x-own":1.0}],"name":"ask","x-own":true}"#;

fn capabilities() -> Value {
    json!({"tools": {}, "resources": {"listChanged": true}, "prompts": {"listChanged": true}, "completions": {}})
}

/// Of either era, with all kinds of things.
pub async fn server(is_modern: bool) -> McpServer {
    let server = McpServer::start(is_modern, capabilities(), move |received, talk| {
        async move {
            let complete = |members: &str| {
                let more = if is_modern {
                    r#","resultType":"complete""#
                } else {
                    ""
                };
                talk.result(&format!("{{{members}{more}}}"));
            };
            let uri = received.params()["uri"].clone();
            match received.method() {
                "resources/read" if uri == "test://gone" && is_modern => {
                    talk.error(&json!({"code": -32602, "message": "gone", "data": {"uri": uri}}));
                }
                "resources/read" if uri == "test://gone" => {
                    talk.error(&json!({"code": -32002, "message": "gone"}));
                }
                "resources/read" => complete(CONTENTS),
                "prompts/get" if received.params()["arguments"]["n"] == "wrong" => {
                    talk.error(&json!({"code": -32602, "message": "n is wrong"}));
                }
                "prompts/get" => complete(MESSAGES),
                "completion/complete" => complete(COMPLETION),
                _ => talk.error(&json!({"code": -32601, "message": "no such method"})),
            }
        }
        .boxed()
    })
    .await;
    server.list(
        "tools/list",
        "tools",
        r#"[{"name":"t","inputSchema":{"type":"object"}}]"#,
    );
    server.list(
        "resources/list",
        "resources",
        &format!("[{RESOURCE},{{\"uri\":\"test://b\",\"name\":\"b\"}}]"),
    );
    let templates = r#"[{"uriTemplate":"test://item/{id}","name":"item"}]"#;
    server.list("resources/templates/list", "resourceTemplates", templates);
    server.list("prompts/list", "prompts", &format!("[{PROMPT}]"));
    server
}

pub async fn with(app: &TestApp, id: &str, server: &McpServer, more: &Value) {
    let mut document = server.document();
    for (member, value) in more.as_object().unwrap() {
        document[member] = value.clone();
    }
    app.admin().put(&format!("/admin/uds/{id}"), &document).await.ok();
    ready(app, id).await;
}

async fn keys(app: &TestApp, instance: &str, method: &str, member: &str, key: &str) -> Vec<String> {
    let listed = app.mcp(instance).modern(method, json!({})).await.ok().json();
    let entries = listed["result"][member]
        .as_array()
        .unwrap_or_else(|| panic!("{listed}"));
    entries
        .iter()
        .map(|entry| entry[key].as_str().unwrap().to_owned())
        .collect()
}

async fn uris(app: &TestApp, instance: &str) -> Vec<String> {
    keys(app, instance, "resources/list", "resources", "uri").await
}

async fn prompts(app: &TestApp, instance: &str) -> Vec<String> {
    keys(app, instance, "prompts/list", "prompts", "name").await
}

#[tokio::test]
async fn everything_passes_as_the_bytes_that_it_is_between_all_eras() {
    let app = TestApp::start().await;
    for is_modern in [true, false] {
        let server = server(is_modern).await;
        let id = if is_modern { "new" } else { "old" };
        with(&app, id, &server, &json!({})).await;
        let instance = json!({"name": "i", "include": {"upstreams": [id]}});
        app.admin().put(&format!("/admin/ids/{id}"), &instance).await.ok();
        let asked = [
            ("resources/list", json!({}), RESOURCE),
            (
                "resources/templates/list",
                json!({}),
                r#"{"uriTemplate":"test://item/{id}","name":"item"}"#,
            ),
            ("resources/read", json!({"uri": "test://a"}), CONTENTS),
            ("resources/read", json!({"uri": "test://item/7"}), CONTENTS),
            ("prompts/list", json!({}), PROMPT),
            (
                "prompts/get",
                json!({"name": "ask", "arguments": {"n": "1.0"}}),
                MESSAGES,
            ),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/prompt", "name": "ask"}, "argument": {"name": "n", "value": ""}}),
                COMPLETION,
            ),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/resource", "uri": "test://item/{id}"}, "argument": {"name": "id", "value": ""}}),
                COMPLETION,
            ),
        ];
        for (method, params, expected) in asked {
            let modern = app.mcp(id).modern(method, params.clone()).await.ok().text;
            assert!(modern.contains(expected), "{id} {method}: {modern}");
            assert!(
                modern.contains(r#""resultType":"complete""#),
                "{id} {method}: {modern}"
            );
            let legacy = app.mcp(id).legacy("2025-11-25", method, params).await.ok().text;
            assert!(legacy.contains(expected), "{id} {method}: {legacy}");
            assert!(
                !legacy.contains("resultType") && !legacy.contains("ttlMs"),
                "{id} {method}: {legacy}"
            );
        }
        let sent = server.received("prompts/get").pop().unwrap();
        assert_eq!(sent.params()["name"], "ask");
        let header = sent.headers.get("mcp-name").map(|name| name.to_str().unwrap());
        assert_eq!(header, is_modern.then_some("ask"));

        let gone = json!({"uri": "test://gone"});
        let modern = app.mcp(id).modern("resources/read", gone.clone()).await.json();
        assert_eq!(
            (&modern["error"]["code"], &modern["error"]["data"]),
            (&json!(-32602), &gone)
        );
        let legacy = app
            .mcp(id)
            .legacy("2025-11-25", "resources/read", gone)
            .await
            .json();
        assert_eq!(legacy["error"]["code"], -32002);
        let wrong = json!({"name": "ask", "arguments": {"n": "wrong"}});
        let wrong = app.mcp(id).modern("prompts/get", wrong).await.json();
        assert_eq!(
            (&wrong["error"]["code"], &wrong["error"]["message"]),
            (&json!(-32602), &json!("n is wrong"))
        );
    }
}

#[tokio::test]
async fn an_instance_says_what_it_has_and_serves_nothing_else() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    let server = server(true).await;
    with(&app, "u", &server, &json!({})).await;
    for (instance, include) in [
        ("all", json!({"upstreams": ["u"]})),
        ("prompts", json!({"prompts": ["u/a*"]})),
        (
            "resources",
            json!({"resources": ["u/test://b", "u/test://item/{id}"]}),
        ),
    ] {
        let document = json!({"name": "i", "include": include});
        app.admin()
            .put(&format!("/admin/ids/{instance}"), &document)
            .await
            .ok();
    }
    let capabilities = async |instance: &str| {
        let discovered = app
            .mcp(instance)
            .modern("server/discover", json!({}))
            .await
            .ok()
            .json();
        let all = discovered["result"]["capabilities"].as_object().unwrap().clone();
        let mut names: Vec<_> = all.keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(capabilities("shop").await, "tools");
    assert_eq!(capabilities("all").await, "completions prompts resources tools");
    assert_eq!(capabilities("prompts").await, "completions prompts tools");
    assert_eq!(capabilities("resources").await, "completions resources tools");
    for (instance, method) in [
        ("shop", "resources/list"),
        ("prompts", "resources/read"),
        ("resources", "prompts/list"),
    ] {
        let refused = app.mcp(instance).modern(method, json!({"uri": "test://a"})).await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["code"]),
            (404.try_into().unwrap(), &json!(-32601)),
            "{instance} {method}"
        );
    }
    assert_eq!(app.mcp("prompts").tool_names().await, Vec::<String>::new());
    assert_eq!(uris(&app, "resources").await, ["test://b"]);
    for (uri, is_there) in [
        ("test://b", true),
        ("test://item/1", true),
        ("test://a", false),
        ("test://item/1/2", false),
    ] {
        let answer = app
            .mcp("resources")
            .modern("resources/read", json!({"uri": uri}))
            .await
            .json();
        assert_eq!(answer["error"].is_null(), is_there, "{uri}: {answer}");
    }
}

#[tokio::test]
async fn names_of_prompts_have_the_prefix_and_uris_have_the_first_owner() {
    let app = TestApp::start().await;
    let (first, second) = (server(true).await, server(false).await);
    with(
        &app,
        "one",
        &first,
        &json!({"priority": 1, "tools": {"prefix": "one"}, "resources": {"exclude": ["test://b"]}}),
    )
    .await;
    with(
        &app,
        "two",
        &second,
        &json!({"tools": {"prefix": "two"}, "prompts": {"prefix": "second"}}),
    )
    .await;
    let instance = json!({"name": "i", "include": {"upstreams": ["two", "one"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    assert_eq!(prompts(&app, "i").await, ["one_ask", "second_ask"]);
    assert_eq!(uris(&app, "i").await, ["test://a", "test://b"]);
    let get = json!({"name": "second_ask"});
    app.mcp("i").modern("prompts/get", get).await.ok();
    assert_eq!(second.received("prompts/get")[0].params()["name"], "ask");
    for (uri, owner) in [
        ("test://a", &first),
        ("test://b", &second),
        ("test://item/1", &first),
    ] {
        let before = owner.received("resources/read").len();
        let answer = app
            .mcp("i")
            .modern("resources/read", json!({"uri": uri}))
            .await
            .ok()
            .json();
        assert!(answer["error"].is_null(), "{answer}");
        assert_eq!(owner.received("resources/read").len(), before + 1, "{uri}");
    }
    // With two of them nobody can know whose an unlisted one is.
    let nobody = app
        .mcp("i")
        .modern("resources/read", json!({"uri": "test://linked"}))
        .await
        .json();
    assert_eq!(nobody["error"]["code"], -32602);
    let complete =
        json!({"ref": {"type": "ref/prompt", "name": "one_ask"}, "argument": {"name": "n", "value": ""}});
    app.mcp("i").modern("completion/complete", complete).await.ok();
    let sent = first.received("completion/complete").pop().unwrap();
    assert_eq!(sent.params()["ref"], json!({"type": "ref/prompt", "name": "ask"}));

    let without = json!({"name": "i", "include": {"upstreams": ["one", "two"]},
        "exclude": {"prompts": ["one/*"], "resources": ["two/test://b", "one/test://item/*"]}});
    app.admin().put("/admin/ids/i", &without).await.ok();
    assert_eq!(prompts(&app, "i").await, ["second_ask"]);
    assert_eq!(uris(&app, "i").await, ["test://a"]);
    let answer = app
        .mcp("i")
        .modern("resources/read", json!({"uri": "test://item/2"}))
        .await
        .ok()
        .json();
    assert!(answer["error"].is_null(), "{answer}");
    let sent = second.received("resources/read").pop().unwrap();
    assert_eq!(
        sent.params()["uri"],
        "test://item/2",
        "what one may not give the other one gives"
    );
}

#[tokio::test]
async fn a_link_of_the_only_upstream_can_be_read_unless_it_is_left_out() {
    let app = TestApp::start().await;
    let server = server(true).await;
    with(
        &app,
        "u",
        &server,
        &json!({"resources": {"exclude": ["test://secret*"]}}),
    )
    .await;
    let instance =
        json!({"name": "i", "include": {"upstreams": ["u"]}, "exclude": {"resources": ["u/test://own*"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    for (uri, is_there) in [
        ("test://linked", true),
        ("test://secret/1", false),
        ("test://own/1", false),
    ] {
        let answer = app
            .mcp("i")
            .modern("resources/read", json!({"uri": uri}))
            .await
            .json();
        assert_eq!(answer["error"].is_null(), is_there, "{uri}: {answer}");
    }
    assert_eq!(
        server.received("resources/read").len(),
        1,
        "what is left out is not even asked for"
    );
}

#[tokio::test]
async fn the_page_of_a_tool_comes_along_with_the_tool() {
    let app = TestApp::start().await;
    let server = server(true).await;
    let tools =
        r#"[{"name":"t","inputSchema":{"type":"object"},"_meta":{"ui":{"resourceUri":"ui://t/page.html"}}}]"#;
    server.list("tools/list", "tools", tools);
    with(&app, "u", &server, &json!({})).await;
    app.admin()
        .put("/admin/ids/i", &json!({"name": "i", "tool_ids": ["u/t"]}))
        .await
        .ok();
    let answer = app
        .mcp("i")
        .modern("resources/read", json!({"uri": "ui://t/page.html"}))
        .await
        .ok()
        .json();
    assert!(answer["error"].is_null(), "{answer}");
    assert_eq!(
        server.received("resources/read")[0].params()["uri"],
        "ui://t/page.html"
    );
    assert_eq!(uris(&app, "i").await, Vec::<String>::new());
    let other = app
        .mcp("i")
        .modern("resources/read", json!({"uri": "test://a"}))
        .await
        .json();
    assert_eq!(other["error"]["code"], -32602);
}

#[tokio::test]
async fn a_list_that_cannot_be_had_takes_no_other_along() {
    let app = TestApp::start().await;
    let server = server(false).await;
    server.list("prompts/list", "wrong", "7");
    server.list(
        "resources/list",
        "resources",
        r#"[{"uri":"test://a"},{"name":"x"},{"uri":"test://b","name":"b"},{"uri":"test://b","name":"b"}]"#,
    );
    with(&app, "u", &server, &json!({"limits": {"resources": 3}})).await;
    app.admin()
        .put(
            "/admin/ids/i",
            &json!({"name": "i", "include": {"upstreams": ["u"]}}),
        )
        .await
        .ok();
    assert_eq!(app.mcp("i").tool_names().await, ["t"]);
    assert_eq!(uris(&app, "i").await, ["test://b"]);
    let inventory = app.admin().get("/admin/uds/u/inventory").await.data();
    let skipped: Vec<_> = inventory["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{} {}: {}",
                one["list"].as_str().unwrap(),
                one["name"].as_str().unwrap(),
                one["reason"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "resources/list test://a: it has no name",
        "resources/list : it has no uri",
        "resources/list : the list of resources has more than 3 entries",
        "prompts/list : the list of prompts cannot be read: it has no `prompts`",
    ];
    assert_eq!(skipped.len(), expected.len(), "{skipped:?}");
    for (found, expected) in skipped.iter().zip(expected) {
        assert!(found.contains(expected), "{found}");
    }
}

#[tokio::test]
async fn changes_of_each_list_reach_clients() {
    for is_modern in [true, false] {
        let app = TestApp::start().await;
        let server = server(is_modern).await;
        with(&app, "u", &server, &json!({})).await;
        app.admin()
            .put(
                "/admin/ids/i",
                &json!({"name": "i", "include": {"upstreams": ["u"]}}),
            )
            .await
            .ok();
        eventually("the gateway listens", || server.listeners() == 1).await;
        let request = app
            .user()
            .request(reqwest::Method::GET, "/mcp/i")
            .header("mcp-protocol-version", "2025-06-18")
            .header("accept", "text/event-stream");
        let mut stream = crate::event_stream::EventStream::open(request).await;
        for (list, member, entries, told) in [
            (
                "prompts/list",
                "prompts",
                r#"[{"name":"other"}]"#,
                "notifications/prompts/list_changed",
            ),
            (
                "resources/list",
                "resources",
                r#"[{"uri":"test://c","name":"c"}]"#,
                "notifications/resources/list_changed",
            ),
            (
                "resources/templates/list",
                "resourceTemplates",
                "[]",
                "notifications/resources/list_changed",
            ),
        ] {
            server.list(list, member, entries);
            server.tell(told, &json!({}));
            assert_eq!(stream.next().await.unwrap()["method"], told, "{is_modern} {list}");
        }
        assert_eq!(prompts(&app, "i").await, ["other"]);
    }
}
