//! What an import says, refuses and leaves alone.

use super::*;

#[tokio::test]
async fn a_dry_run_writes_nothing_and_a_second_import_changes_nothing() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let dry = post(
        &admin,
        "/admin/import/openapi?instance=pets&dry_run=true",
        OPENAPI_31,
    )
    .await
    .ok();
    assert!(dry.json()["revision"].is_null());
    assert_eq!(dry.data()["created"].as_array().unwrap().len(), 3);
    assert_eq!(admin.get("/admin/tds").await.data(), json!([]));
    assert_eq!(admin.get("/admin/ids").await.data(), json!([]));

    let first = post(&admin, "/admin/import/openapi?instance=pets", OPENAPI_31)
        .await
        .ok();
    assert!(first.revision() > 0);
    assert_eq!(
        app.mcp("pets").tool_names().await,
        ["getPet", "addPhotos", "login"]
    );
    let second = post(&admin, "/admin/import/openapi?instance=pets", OPENAPI_31)
        .await
        .ok();
    assert!(second.json()["revision"].is_null(), "nothing was written");
    assert_eq!(second.data()["unchanged"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn options_stand_in_the_query_or_around_the_document() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let wrapped =
        json!({"instance": "a", "document": OPENAPI_31, "include": ["login"], "rename": ["login=sign_in"]});
    let report = post(&admin, "/admin/import/openapi", wrapped.to_string())
        .await
        .data();
    assert_eq!(report["created"], json!(["a.sign_in"]));
    let query = "/admin/import/openapi?instance=b&include=login&include=getPet&exclude=operation%3Aget*";
    assert_eq!(
        post(&admin, query, OPENAPI_31).await.data()["created"],
        json!(["b.login"])
    );
    let curl = post(
        &admin,
        "/admin/import/curl?instance=c",
        "curl http://127.0.0.1:1/x/1",
    )
    .await
    .data();
    assert_eq!(curl["created"], json!(["c.get_x_x_id"]));
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let table = [
        ("/admin/import/openapi", OPENAPI_31, 400, "name the instance"),
        (
            "/admin/import/openapi?instance=a&nonsense=1",
            OPENAPI_31,
            400,
            "no parameter `nonsense`",
        ),
        (
            "/admin/import/openapi?instance=a&prune=maybe",
            OPENAPI_31,
            400,
            "neither true nor false",
        ),
        (
            "/admin/import/openapi?instance=a%2Fb",
            OPENAPI_31,
            400,
            "cannot be used",
        ),
        (
            "/admin/import/openapi?instance=a",
            "{}",
            400,
            "not an OpenAPI document",
        ),
        (
            "/admin/import/openapi?instance=a",
            "http://127.0.0.1/openapi.json",
            400,
            "not an OpenAPI document",
        ),
        ("/admin/import/soap?instance=a", "{}", 404, "no import `soap`"),
    ];
    for (path, body, status, expected) in table {
        let error = post(&admin, path, body).await.error(status);
        assert!(error.contains(expected), "{path}: {error}");
    }
    let large = post(
        &admin,
        "/admin/import/openapi?instance=a",
        vec![b' '; 33 * 1024 * 1024],
    )
    .await
    .error(413);
    assert!(large.contains("33554432"), "{large}");
    post(&app.user(), "/admin/import/openapi?instance=a", OPENAPI_31)
        .await
        .error(403);
    assert_eq!(admin.get("/admin/tds").await.data(), json!([]));
}

#[tokio::test]
async fn what_would_take_a_name_twice_is_refused_as_a_whole() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let tagged = json!({"name": "All pets", "include": {"tags": ["pets"]}});
    admin.put("/admin/ids/tagged", &tagged).await.ok();
    post(&admin, "/admin/import/openapi?instance=one", OPENAPI_3)
        .await
        .ok();
    let before = app.mcp("tagged").tool_names().await;
    assert!(before.len() > 1, "{before:?}");
    for path in [
        "/admin/import/openapi?instance=two&dry_run=true",
        "/admin/import/openapi?instance=two",
    ] {
        let error = post(&admin, path, OPENAPI_3).await.error(409);
        assert!(
            error.starts_with("nothing was imported: in the instance `tagged` the name"),
            "{error}"
        );
    }
    admin.get("/admin/ids/two").await.expect(404);
    let tools = admin.get("/admin/tds?q=two.").await.data();
    assert_eq!(tools, json!([]));
    assert_eq!(app.mcp("tagged").tool_names().await, before);
    // Importing again changes nothing, and what changes nothing is not refused.
    post(&admin, "/admin/import/openapi?instance=one", OPENAPI_3)
        .await
        .ok();
}

#[tokio::test]
async fn bodies_of_several_parts_have_a_boundary_whatever_kind_they_are() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let object = json!({"schema": {"type": "object", "properties": {
        "metadata": {"type": "object"}, "media": {"type": "string", "format": "binary"}}}});
    let operation = |id: &str, media: &str| {
        json!({"post": {"operationId": id, "requestBody": {"required": true, "content": {media: object}},
            "responses": {"200": {"description": "ok"}}}})
    };
    let document = json!({"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "servers": [{"url": upstream.origin()}],
        "paths": {"/m": operation("mixed", "multipart/mixed"), "/r": operation("related", "multipart/related; boundary=x; type=\"application/json\"")}});
    post(
        &app.admin(),
        "/admin/import/openapi?instance=pets",
        document.to_string(),
    )
    .await
    .ok();
    for (tool, begins) in [
        ("mixed", "multipart/mixed; boundary=dynmcp-"),
        (
            "related",
            "multipart/related; type=\"application/json\"; boundary=dynmcp-",
        ),
    ] {
        let arguments = json!({"metadata": {"title": "a"}, "media": "aGk="});
        let result = app.mcp("pets").call(tool, arguments).await;
        assert_ne!(result["isError"], true, "{result}");
        let last = upstream.last();
        let media = last.headers["content-type"].to_str().unwrap().to_owned();
        assert!(media.starts_with(begins), "{media}");
        let boundary = media.rsplit('=').next().unwrap();
        let body = String::from_utf8_lossy(&last.body).into_owned();
        assert_eq!(body.matches(&format!("--{boundary}")).count(), 3, "{body}");
        let (first, second) = (body.find("{\"title\":\"a\"}"), body.find("\r\n\r\nhi\r\n"));
        assert!(first.is_some() && first < second, "{body}");
    }
}

#[tokio::test]
async fn the_report_says_what_clients_will_notice_and_what_is_odd() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let document = |name: &str, is_required: bool| {
        json!({"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "servers": [{"url": "https://a.example"}],
            "paths": {"/a": {"get": {"operationId": "a", "parameters": [
                {"name": name, "in": "query", "required": is_required, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "ok"}}}}}})
    };
    let path = "/admin/import/openapi?instance=i&source=s&auth=bearer:%24%7Benv:DYNMCP_SECRET_NOBODY_HAS%7D";
    let first = post(&admin, path, document("q", false).to_string()).await.data();
    assert_eq!(first["breaking"], false);
    assert_eq!(first["clients"][0]["instance"], "i");
    assert_eq!(first["clients"][0]["change"], "appears");
    assert_eq!(first["clients"][0]["appear"], json!(["a"]));
    let warnings = first["warnings"].to_string();
    assert!(
        warnings.contains("tds/i.a") && warnings.contains("DYNMCP_SECRET_NOBODY_HAS"),
        "{warnings}"
    );
    let second = post(
        &admin,
        &format!("{path}&dry_run=true"),
        document("q", true).to_string(),
    )
    .await
    .data();
    assert_eq!(second["breaking"], true, "{second}");
    assert_eq!(second["clients"][0]["changed"][0]["name"], "a");
    let same = post(&admin, path, document("q", false).to_string()).await.data();
    assert_eq!(same["clients"], json!([]));
}
