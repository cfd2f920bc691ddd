//! Descriptions become tools that call what the description means.

mod large_schema;
mod reports;

use crate::test_app::{Answer, Client, TestApp, Upstream};
use reqwest::Method;
use serde_json::{Value, json};

const SWAGGER_2: &str = include_str!("../../../mcp-core/tests/import/fixtures/petstore-2.0.json");
const OPENAPI_3: &str = include_str!("../../../mcp-core/tests/import/fixtures/petstore-3.0.yaml");
const OPENAPI_31: &str = include_str!("../../../mcp-core/tests/import/fixtures/petstore-3.1.yaml");

async fn post(client: &Client, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    client.send(client.request(Method::POST, path).body(body)).await
}

/// Imports without what asks for credentials, so that calls need none.
async fn import(app: &TestApp, upstream: &Upstream, text: &str) -> Value {
    let open = match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            value["security"] = json!([]);
            value["paths"]["/pets"]["post"]["security"] = json!([]);
            value.to_string()
        }
        Err(_) => text.replace("security: [{token: []}]", "security: []"),
    };
    let path = format!(
        "/admin/import/openapi?instance=pets&base_url={}/base",
        upstream.origin()
    );
    post(&app.admin(), &path, open).await.data()
}

/// What the upstream got for each call: method, target, content type and body.
async fn calls(app: &TestApp, upstream: &Upstream, calls: &[(&str, Value)]) -> Vec<Value> {
    let mut out = Vec::new();
    for (tool, arguments) in calls {
        let result = app.mcp("pets").call(tool, arguments.clone()).await;
        assert_ne!(result["isError"], true, "{tool}: {result}");
        let last = upstream.last();
        let query = last
            .query
            .as_ref()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let body = String::from_utf8_lossy(&last.body).into_owned();
        out.push(json!([last.method, format!("{}{query}", last.path), body]));
    }
    out
}

#[tokio::test]
async fn swagger_2_0_calls_what_it_means() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    import(&app, &upstream, SWAGGER_2).await;
    upstream.reply_json(200, &json!({"id": 1, "name": "Rex"}));
    let sent = calls(
        &app,
        &upstream,
        &[
            (
                "listPets",
                json!({"limit": 5, "tags": ["a", "b"], "status": ["x", "y"], "colors": ["r", "g"]}),
            ),
            ("addPet", json!({"name": "Rex", "tag": null})),
            ("getPet", json!({"petId": 7})),
            ("renamePet", json!({"petId": 7, "name": "A B"})),
        ],
    )
    .await;
    let expected = [
        json!([
            "GET",
            "/base/pets?limit=5&tags=a,b&status=x&status=y&colors=r%7Cg",
            ""
        ]),
        json!(["POST", "/base/pets", "{\"name\":\"Rex\",\"tag\":null}"]),
        json!(["GET", "/base/pets/7", ""]),
        json!(["POST", "/base/pets/7", "name=A+B"]),
    ];
    for (sent, expected) in sent.iter().zip(&expected) {
        let same = |value: &Value| {
            // The order of parameters in a query means nothing, and a blank may be written in two ways.
            let target = value[1].as_str().unwrap().to_owned();
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let mut pairs: Vec<&str> = query.split('&').collect();
            pairs.sort_unstable();
            let body = value[2].as_str().unwrap().replace("%20", "+");
            (
                value[0].clone(),
                path.to_owned(),
                pairs.join("&").replace("%2C", ","),
                body,
            )
        };
        assert_eq!(same(sent), same(expected));
    }
    app.mcp("pets")
        .call("addPhoto", json!({"petId": 7, "file": "AAH/", "caption": "x"}))
        .await;
    let photo = upstream.last();
    let kind = photo.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    assert!(
        photo.body.windows(3).any(|bytes| bytes == [0, 1, 255]),
        "{photo:?}"
    );
}

/// `collectionFormat`, and how `["a b","c,d"]` arrives in a query or a form, and in a part of a multipart body.
const COLLECTION_FORMATS: [(Option<&str>, &str, &str); 6] = [
    (None, "list=a%20b,c%2Cd", "a b,c,d"),
    (Some("csv"), "list=a%20b,c%2Cd", "a b,c,d"),
    (Some("ssv"), "list=a%20b%20c%2Cd", "a b c,d"),
    (Some("tsv"), "list=a%20b%09c%2Cd", "a b\tc,d"),
    (Some("pipes"), "list=a%20b%7Cc%2Cd", "a b|c,d"),
    (Some("multi"), "list=a%20b&list=c%2Cd", "a b"),
];

#[tokio::test]
async fn lists_of_swagger_2_0_arrive_in_their_collection_format() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    upstream.reply_json(200, &json!({}));
    for (format, pairs, part) in COLLECTION_FORMATS {
        let list = |place: &str| {
            let mut list = json!({"name": "list", "in": place, "type": "array", "items": {"type": "string"}});
            if let Some(format) = format {
                list["collectionFormat"] = format.into();
            }
            json!([list])
        };
        let swagger = json!({"swagger": "2.0", "info": {"title": "Lists", "version": "1"}, "paths": {
            "/query": {"get": {"operationId": "query", "parameters": list("query"), "responses": {}}},
            "/form": {"post": {"operationId": "form", "parameters": list("formData"), "responses": {},
                "consumes": ["application/x-www-form-urlencoded"]}},
            "/parts": {"post": {"operationId": "parts", "parameters": list("formData"), "responses": {},
                "consumes": ["multipart/form-data"]}},
        }});
        let path = format!(
            "/admin/import/openapi?instance=lists&base_url={}",
            upstream.origin()
        );
        let report = post(&app.admin(), &path, swagger.to_string()).await.data();
        assert_eq!(report["skipped"], json!([]), "{report}");
        let arguments = json!({"list": ["a b", "c,d"]});
        let call = async |tool: &str| {
            let result = app.mcp("lists").call(tool, arguments.clone()).await;
            assert_ne!(result["isError"], true, "{format:?}: {result}");
            upstream.last()
        };
        assert_eq!(call("query").await.query.as_deref(), Some(pairs), "{format:?}");
        let form = call("form").await;
        assert_eq!(String::from_utf8_lossy(&form.body), pairs, "{format:?}");
        let parts = call("parts").await;
        let body = String::from_utf8_lossy(&parts.body).into_owned();
        assert!(
            body.contains(&format!("\r\n\r\n{part}\r\n")),
            "{format:?}: {body}"
        );
        let count = if format == Some("multi") { 2 } else { 1 };
        assert_eq!(body.matches("name=\"list\"").count(), count, "{format:?}: {body}");
    }
}

#[tokio::test]
async fn a_list_that_has_no_such_form_is_skipped_with_its_reason() {
    let app = TestApp::start().await;
    let of = |place: &str, format: &str, items: Value| {
        let list = json!({"name": "list", "in": place, "required": true, "type": "array", "items": items, "collectionFormat": format});
        json!({"get": {"parameters": [list], "responses": {}}})
    };
    let text = json!({"type": "string"});
    let swagger = json!({"swagger": "2.0", "info": {"title": "Lists", "version": "1"}, "host": "a.example", "paths": {
        "/{list}": of("path", "multi", text.clone()),
        "/header": of("header", "tsv", text.clone()),
        "/nested": of("query", "csv", json!({"type": "array", "items": text})),
    }});
    let path = "/admin/import/openapi?instance=lists&dry_run=true";
    let report = post(&app.admin(), path, swagger.to_string()).await.data();
    assert_eq!(
        report["skipped"],
        json!([
            {"operation": "GET /{list}", "reason": "parameters/list: the collectionFormat `multi` in path is not supported"},
            {"operation": "GET /header", "reason": "parameters/list: the collectionFormat `tsv` in header is not supported"},
            {"operation": "GET /nested",
                "reason": "parameters/list: a list of lists, each with a collectionFormat of its own, is not supported"},
        ])
    );
}

#[tokio::test]
async fn openapi_3_0_calls_what_it_means() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    import(&app, &upstream, OPENAPI_3).await;
    upstream.reply_json(200, &json!({"pets": [], "name": "Rex"}));
    let arguments = json!({"limit": 1, "tags": ["a", "b"], "filter": {"age": 3}, "where": {"x": [1]}, "X-Trace": "t", "sid": "s"});
    app.mcp("pets").call("listPets", arguments).await;
    let list = upstream.last();
    let query = list
        .query
        .clone()
        .unwrap()
        .replace("%5B", "[")
        .replace("%5D", "]")
        .replace("%2C", ",");
    for part in ["limit=1", "tags=a,b", "filter[age]=3", "where=%7B%22x%22:[1]%7D"] {
        assert!(
            query.replace("%3A", ":").split('&').any(|pair| pair == part),
            "{part} in {query}"
        );
    }
    assert_eq!(
        (&list.headers["x-trace"], &list.headers["cookie"]),
        (&"t".parse().unwrap(), &"sid=s".parse().unwrap())
    );
    let sent = calls(
        &app,
        &upstream,
        &[
            ("get_pets_pet-id", json!({"pet-id": 7})),
            ("deletePet", json!({"pet-id": 7})),
            (
                "setPart",
                json!({"pet-id": 7, "id": "a/b", "query_id": "q", "body_id": "b", "size": null}),
            ),
            ("plantTree", json!({"value": "v", "children": [{"children": []}]})),
            ("addShape", json!({"request": {"kind": "circle", "radius": 1.50}})),
            ("addPets", json!({"items": ["a", "b"]})),
            ("setNote", json!({"text": "two\nlines"})),
        ],
    )
    .await;
    let expected = json!([
        ["GET", "/base/pets/7", ""],
        ["DELETE", "/base/pets/7", ""],
        ["PUT", "/base/pets/7/a%2Fb?id=q", "{\"id\":\"b\",\"size\":null}"],
        [
            "POST",
            "/base/tree",
            "{\"value\":\"v\",\"children\":[{\"children\":[]}]}"
        ],
        ["POST", "/base/shapes", "{\"kind\":\"circle\",\"radius\":1.5}"],
        ["POST", "/base/batch", "[\"a\",\"b\"]"],
        ["PUT", "/base/note", "two\nlines"],
    ]);
    let sorted = |value: &Value| {
        let body = value[2].as_str().unwrap();
        let json: Option<Value> = serde_json::from_str(body).ok();
        (
            value[0].clone(),
            value[1].clone(),
            json.unwrap_or_else(|| body.into()),
        )
    };
    for (sent, expected) in sent.iter().zip(expected.as_array().unwrap()) {
        assert_eq!(sorted(sent), sorted(expected));
    }
    assert_eq!(
        upstream
            .requests()
            .iter()
            .find(|r| r.path == "/base/batch")
            .unwrap()
            .headers["content-type"],
        "application/vnd.pets+json"
    );
}

#[tokio::test]
async fn openapi_3_1_calls_what_it_means() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let report = import(&app, &upstream, OPENAPI_31).await;
    assert_eq!(
        report["created"],
        json!(["pets.getPet", "pets.addPhotos", "pets.login"]),
        "{report}"
    );
    upstream.reply_json(200, &json!({"id": "a1"}));
    let sent = calls(
        &app,
        &upstream,
        &[
            (
                "getPet",
                json!({"id": "a1", "expand": "owner($select=name;$top=1)&x=1#y"}),
            ),
            (
                "login",
                json!({"user": "u", "scopes": ["a", "b"], "next": "https://a.example/b?c&d"}),
            ),
        ],
    )
    .await;
    let expanded = "/base/pets/a1?expand=owner($select%3Dname;$top%3D1)%26x%3D1%23y";
    assert_eq!(sent[0], json!(["GET", expanded, ""]));
    let mut fields: Vec<&str> = sent[1][2].as_str().unwrap().split('&').collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["next=https://a.example/b?c%26d", "scopes=a%20b", "user=u"]
    );
    app.mcp("pets")
        .call(
            "addPhotos",
            json!({"id": "a1", "photos": ["AQ==", "Ag=="], "meta": {"album": "x"}}),
        )
        .await;
    let body = String::from_utf8_lossy(&upstream.last().body).into_owned();
    assert_eq!(body.matches("; name=\"photos\"").count(), 2, "{body}");
    assert!(body.contains("{\"album\":\"x\"}"), "{body}");
}
