//! Bodies of which the description says more than a model can use, as of APIs whose entities all refer to each other.

use super::*;

/// The kinds of entities; each refers to three others, and one describes about a kilobyte.
const KINDS: usize = 400;

fn entity(number: usize) -> Value {
    let other =
        |step: usize| json!({"$ref": format!("#/components/schemas/k{}", (number * 3 + step) % KINDS)});
    let mut properties = serde_json::Map::new();
    for field in 0..12 {
        let text = json!({"type": "string", "description": format!("Field {field} of kind {number}, which is told in so many words.")});
        properties.insert(format!("f{field}"), text);
    }
    properties.insert("one".to_owned(), other(1));
    properties.insert(
        "either".to_owned(),
        json!({"oneOf": [other(2), {"type": "string"}]}),
    );
    properties.insert("many".to_owned(), json!({"type": "array", "items": other(3)}));
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

#[tokio::test]
async fn what_is_nearest_is_told_and_the_rest_is_taken_as_it_is() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let schemas: serde_json::Map<_, _> = (0..KINDS)
        .map(|number| (format!("k{number}"), entity(number)))
        .collect();
    let body = json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/k0"}}}});
    let document = json!({"openapi": "3.0.3", "info": {"title": "Graph", "version": "1"}, "servers": [{"url": upstream.origin()}],
        "paths": {"/entities": {"post": {"operationId": "create", "requestBody": body, "responses": {"200": {"description": "Done."}}}}},
        "components": {"schemas": schemas}});
    let report = post(
        &app.admin(),
        "/admin/import/openapi?instance=graph",
        document.to_string(),
    )
    .await
    .data();
    assert_eq!(report["created"], json!(["graph.create"]), "{report}");
    assert!(
        report["notes"].to_string().contains("nearest to their arguments"),
        "{report}"
    );

    let listed = app.mcp("graph").modern("tools/list", json!({})).await.json();
    let tools = &listed["result"]["tools"];
    let schema = &tools[0]["inputSchema"];
    assert!(
        schema.to_string().len() < 32 << 10,
        "{}",
        schema.to_string().len()
    );
    assert!(schema["properties"]["f11"]["description"].is_string(), "{schema}");

    upstream.reply_json(200, &json!({"ok": true}));
    let deep = |value: Value| (0..6).fold(value, |value, _| json!({"one": value, "either": {"f1": "x"}}));
    let given = deep(json!({"f0": "at the bottom", "many": [{"f2": "y"}]}));
    let result = app.mcp("graph").call("create", given.clone()).await;
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(upstream.requests()[0].json(), given);
    // What is told is still checked.
    let wrong = app.mcp("graph").call("create", json!({"f0": 5})).await;
    assert_eq!(wrong["isError"], true, "{wrong}");
}
