//! Arguments that are not sent.

use crate::{
    calling::{call, call_text, engine, text, tool, with},
    upstream::Server,
};
use mcp_core::engine::Outcome;
use serde_json::{Value, json};

#[tokio::test]
async fn the_three_shapes_of_required_params_are_held() {
    let server = Server::start().await;
    let refusal = |shape: Value, arguments: Value| {
        let tool = with(
            &server.origin,
            "GET",
            "/x/{id}",
            &json!({}),
            &json!({"required_params": shape}),
        );
        async move { text(&call(&tool, &arguments).await) }
    };
    assert_eq!(refusal(json!({}), json!({"path": {"id": 1}})).await, "{}");
    let text = refusal(json!({"id": "string", "q": 1}), json!({"path": {"id": 1}})).await;
    assert!(
        text.contains("/query/q: is required, but missing") && !text.contains("/id"),
        "{text}"
    );
    assert_eq!(
        refusal(json!({"q": 1}), json!({"path": {"id": 1}, "query": {"q": 1}})).await,
        "{}"
    );
    let text = refusal(
        json!({"path": ["id"], "body": ["b"]}),
        json!({"path": {"id": 1}, "body": {}}),
    )
    .await;
    assert!(text.contains("/body/b: is required, but missing"), "{text}");
    let text = refusal(json!({"query": ["q"]}), json!({"id": 1})).await;
    assert!(text.contains("\n/q: is required, but missing"), "{text}");
}

#[tokio::test]
async fn an_object_valued_required_of_the_schema_is_held() {
    let server = Server::start().await;
    let schema = json!({"properties": {"query": {"type": "object", "properties": {"q": {}}}}, "required": {"query": ["q"]}});
    let tool = tool(&server.origin, "GET", "/", &schema);
    for arguments in [json!({}), json!({"query": {}})] {
        let result = call(&tool, &arguments).await;
        assert!(
            text(&result).contains("/query/q: is required, but missing"),
            "{}",
            text(&result)
        );
    }
    assert!(!call(&tool, &json!({"query": {"q": 1}})).await.is_error);
}

#[tokio::test]
async fn arguments_that_violate_the_schema_are_not_sent() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"limit": {"type": "integer", "maximum": 100}, "o": {}}, "required": ["limit"], "additionalProperties": false});
    let tool = tool(&server.origin, "GET", "/", &schema);
    let table = [
        (r#"{}"#, "/limit: is required, but missing"),
        (r#"{"limit":"abc"}"#, "/limit: \"abc\" is not of type \"integer\""),
        (
            r#"{"limit":500}"#,
            "/limit: 500 is greater than the maximum of 100",
        ),
        (r#"{"limit":1,"more":1}"#, "'more' was unexpected"),
        (r#"{"limit":5000,"limit":5}"#, "the member `limit` appears twice"),
        (r#"{"limit":5,"o":{"a":1,"a":2}}"#, "the member `a` appears twice"),
        (r#"{"limit":1e999}"#, "number out of range"),
        ("[1]", "expected a JSON object"),
    ];
    for (arguments, expected) in table {
        let result = call_text(&engine(), &tool, arguments).await;
        assert!(
            result.is_error && result.outcome == Outcome::InvalidArguments && result.structured.is_none()
        );
        assert!(text(&result).contains(expected), "{arguments}: {}", text(&result));
    }
    let deep = format!("{{\"limit\":1,\"o\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(
        call_text(&engine(), &tool, &deep).await.outcome,
        Outcome::InvalidArguments
    );
    assert!(server.seen().is_empty());
    assert!(!call_text(&engine(), &tool, r#"{"limit":5}"#).await.is_error);
}

#[tokio::test]
async fn both_dialects_are_validated_by_their_own_rules() {
    let server = Server::start().await;
    let draft7 = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"a": {"items": [{"type": "integer"}]}}});
    let latest = json!({"type": "object", "properties": {"a": {"prefixItems": [{"type": "integer"}]}}});
    for schema in [draft7, latest] {
        let tool = tool(&server.origin, "GET", "/", &schema);
        assert!(text(&call(&tool, &json!({"a": ["x"]})).await).contains("/a/0: \"x\" is not of type"));
        assert!(!call(&tool, &json!({"a": [1]})).await.is_error);
    }
}

#[tokio::test]
async fn an_argument_without_a_place_is_refused() {
    let server = Server::start().await;
    let schema = json!({"properties": {"query": {"type": "object"}}});
    let tool = tool(&server.origin, "GET", "/", &schema);
    assert!(text(&call(&tool, &json!({"q": 1})).await).contains("/q: has no place"));
    assert!(
        text(&call(&tool, &json!({"query": 5})).await).contains("/query: 5 is not of type \"object\"")
            || server.seen().is_empty()
    );
}
