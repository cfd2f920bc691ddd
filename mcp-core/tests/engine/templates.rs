//! Headers and query parameters that the definition gives.

use crate::{
    calling::{call, call_text, engine, text, with},
    upstream::Server,
};
use mcp_core::engine::Outcome;
use serde_json::json;

#[tokio::test]
async fn fixed_and_computed_values_are_placed_typed() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}, "tags": {}, "n": {}, "name": {"type": "string"}}});
    let more = json!({
        "headers": {"Accept": "application/json", "X-Who": "{{ principal.sub }}", "X-Where": "{{instance}}", "X-Text": "id-{{ args.id }}-{{ args.name | upper }}", "X-N": 5},
        "query": {"expand": "items", "v": 2, "both": ["a", "b c"], "t": "{{ args.tags }}", "n": "{{ args.n }}", "next": "{{ args.id + 1 }}", "absent": "{{ args.name if args.name is defined and args.id > 100 }}"}
    });
    let tool = with(&server.origin, "GET", "/x/{id}?fixed=1", &schema, &more);
    let arguments = r#"{"id":7,"tags":["a","b&c"],"n":1.10,"name":"ada"}"#;
    let result = call_text(&engine(), &tool, arguments).await;
    assert!(!result.is_error, "{}", text(&result));
    let seen = server.take();
    assert_eq!(seen.path(), "/x/7");
    let expected = [
        ("fixed", "1"),
        ("expand", "items"),
        ("v", "2"),
        ("both", "a"),
        ("both", "b c"),
        ("t", "a"),
        ("t", "b&c"),
        ("n", "1.10"),
        ("next", "8"),
    ];
    assert_eq!(
        seen.query(),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    let header = |name: &str| seen.header(name).unwrap_or_default().to_owned();
    assert_eq!(header("accept"), "application/json");
    assert_eq!(header("x-who"), "alice");
    assert_eq!(header("x-where"), "support");
    assert_eq!(header("x-text"), "id-7-ADA");
    assert_eq!(header("x-n"), "5");
}

#[tokio::test]
async fn an_argument_that_a_template_names_goes_nowhere_else() {
    let server = Server::start().await;
    let schema =
        json!({"type": "object", "properties": {"tenant": {"type": "string"}, "note": {"type": "string"}}});
    let more = json!({"headers": {"X-Tenant": "{{ args.tenant }}"}});
    call(
        &with(&server.origin, "POST", "/", &schema, &more),
        &json!({"tenant": "t1", "note": "n"}),
    )
    .await;
    let seen = server.take();
    assert_eq!(
        (seen.header("x-tenant"), seen.text()),
        (Some("t1"), r#"{"note":"n"}"#)
    );

    let tool = with(&server.origin, "GET", "/", &schema, &more);
    call(&tool, &json!({"note": "n"})).await;
    let seen = server.take();
    assert_eq!(
        (seen.header("x-tenant"), seen.target.as_str()),
        (None, "/?note=n")
    );
}

#[tokio::test]
async fn a_value_that_cannot_be_sent_names_its_argument() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for leaf in ["{{ args.a }}", "x {{ args.a }}", "{{ args.a ~ '' }}"] {
        let tool = with(
            &server.origin,
            "GET",
            "/",
            &schema,
            &json!({"headers": {"X-A": leaf}}),
        );
        let result = call(&tool, &json!({"a": "1\r\nX-B: 2"})).await;
        assert_eq!(result.outcome, Outcome::InvalidArguments);
        assert!(
            text(&result).contains("/a: ") && text(&result).contains("a line break"),
            "{}",
            text(&result)
        );
    }
    let tool = with(
        &server.origin,
        "GET",
        "/",
        &schema,
        &json!({"headers": {"X-A": "x {{ args.a }}"}}),
    );
    let result = call(&tool, &json!({})).await;
    assert!(
        text(&result).contains("/a: ") && text(&result).contains("undefined"),
        "{}",
        text(&result)
    );
    let endless = json!({"query": {"q": "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}{{ args.a }}"}});
    let result = call(
        &with(&server.origin, "GET", "/", &schema, &endless),
        &json!({"a": "x"}),
    )
    .await;
    assert!(text(&result).contains("fuel"), "{}", text(&result));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn arguments_cannot_displace_what_the_definition_gives() {
    let server = Server::start().await;
    let more = json!({"query": {"tenant": "mine"}, "headers": {"X-Tenant": "mine"}});
    let tool = with(&server.origin, "GET", "/?fixed=1", &json!({}), &more);
    for wrong in [
        json!({"tenant": "other"}),
        json!({"fixed": "2"}),
        json!({"filter": {"tenant": "other"}}),
        json!({"query": {"tenant": ["other"]}}),
        json!({"header": {"x-tenant": "other"}}),
    ] {
        let result = call(&tool, &wrong).await;
        assert!(
            text(&result).contains("given by the definition"),
            "{wrong}: {}",
            text(&result)
        );
    }
    assert!(server.seen().is_empty());
}
