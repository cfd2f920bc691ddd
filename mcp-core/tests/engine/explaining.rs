//! What is explained is what is sent.

mod curl;
mod sending;

use crate::calling::{engine, with};
use mcp_common::authenticator::Principal;
use mcp_core::{
    authoring::explain::{Explanation, Part, Placement, Source},
    engine::{CallContext, Engine},
    tool::{CompiledTool, InstanceNames},
};
use serde_json::{Value, json, value::RawValue};

const NOWHERE: &str = "http://127.0.0.1:9";

/// By alice, through the instance `support`, like `calling::call_text`.
pub(crate) async fn explain(
    engine: &Engine,
    tool: &CompiledTool,
    arguments: &str,
    send: bool,
) -> Explanation {
    let arguments = RawValue::from_string(arguments.to_owned()).unwrap();
    let principal = Principal::named("alice");
    let context = CallContext {
        instance: &InstanceNames::id_only("support"),
        principal: &principal,
        arguments: Some(&arguments),
        headers: None,
    };
    engine.explain(tool, context, send).await
}

/// From, to, as written or why not, by which rule.
fn row(placement: &Placement) -> String {
    let from = match placement.arguments.join(" ") {
        arguments if arguments.is_empty() => format!("({})", placement.source.as_str()),
        arguments => arguments,
    };
    let place = placement.place.map_or("nowhere", Part::as_str);
    let written = match (&placement.written, &placement.left_out) {
        (Some(written), None) => written.clone(),
        (None, Some(reason)) => format!("NOT SENT {reason}"),
        other => panic!("{other:?}"),
    };
    format!(
        "{from} | {place} {} | {written} | {}",
        placement.name, placement.rule
    )
}

#[tokio::test]
async fn each_value_is_traced_to_the_rule_that_placed_it() {
    let schema = json!({"type": "object", "properties": {
        "id": {}, "tags": {}, "trace": {}, "sid": {}, "note": {}, "limit": {}, "q": {}, "who": {}, "who2": {}
    }});
    let binding = json!({
        "params": [
            {"name": "tags", "in": "query", "explode": false, "as": "tag"},
            {"name": "trace", "in": "header", "as": "X-Trace", "default": "none"},
            {"name": "sid", "in": "cookie"},
            {"name": "api_version", "in": "query", "const": "2024-10", "hidden": true},
            {"name": "region", "in": "query", "default": "eu", "hidden": true},
            {"name": "note", "in": "query", "omit_if": "empty"},
            {"name": "limit", "in": "query", "default": 20, "omit_if": "default"},
            {"name": "key", "in": "query", "as": "api_key", "const": "plain-key", "hidden": true}
        ],
        "headers": {"X-Tenant": "{{ principal.sub }}", "X-Who": "{{ args.who }}-{{ args.who2 }}", "X-Fixed": "a"},
        "query": {"expand": "items"}
    });
    let tool = with(NOWHERE, "GET", "/orders/{id}", &schema, &binding);
    let arguments =
        r#"{"id":"a b","tags":["x","y"],"sid":"s 1","note":"","q":{"a":1},"who":"ann","who2":"bob"}"#;
    let explanation = explain(&engine(), &tool, arguments, false).await;
    assert!(explanation.valid, "{:?}", explanation.problems);
    let rows: Vec<String> = explanation.placements.iter().map(row).collect();
    let expected = [
        "/id | path {id} | a%20b | placeholder {id} of tds_ext_info.path",
        "(fixed) | query expand | expand=items | tds_ext_info.query.expand",
        "/tags | query tag | tag=x,y | tds_ext_info.params[0]",
        "(const) | query api_version | api_version=2024-10 | tds_ext_info.params[3]",
        "(hidden) | query region | region=eu | tds_ext_info.params[4]",
        "/note | query note | NOT SENT omit_if: empty | tds_ext_info.params[5]",
        "(default) | query limit | NOT SENT omit_if: default | tds_ext_info.params[6]",
        "(const) | query api_key | *** | tds_ext_info.params[7]",
        "/q | query q | a=1 | arguments without a rule go to the query (GET)",
        "(fixed) | header X-Fixed | a | tds_ext_info.headers.X-Fixed",
        "(template) | header X-Tenant | alice | tds_ext_info.headers.X-Tenant",
        "/who /who2 | header X-Who | ann-bob | tds_ext_info.headers.X-Who",
        "(default) | header X-Trace | none | tds_ext_info.params[1]",
        "/sid | cookie sid | sid=s%201 | tds_ext_info.params[2]",
    ];
    assert_eq!(rows, expected);
    assert_eq!(
        explanation.request.unwrap().url,
        "http://127.0.0.1:9/orders/a%20b?expand=items&tag=x,y&api_version=2024-10&region=eu&api_key=***&a=1"
    );
    assert_eq!(
        explanation.endpoint.as_deref(),
        Some("http://127.0.0.1:9/orders/{id}")
    );
}

#[tokio::test]
async fn bodies_are_traced_too() {
    let table = [
        (
            json!({"type": "object", "properties": {"a": {}, "b": {}}}),
            json!({"params": [{"name": "b", "in": "body", "as": "/x/y"}]}),
            r#"{"a":[1],"b":1.10}"#,
            vec![
                "/b | body /x/y | 1.10 | tds_ext_info.params[0]",
                "/a | body /a | [1] | arguments without a rule go into the body (POST)",
            ],
        ),
        (
            json!({"type": "object", "properties": {"c": {"type": "object"}, "n": {}}}),
            json!({"body": {"template": {"customer": {"id": "{{ args.c.id }}", "vip": "{{ args.n > 3 }}"}}}}),
            r#"{"c":{"id":"7","more":1},"n":5}"#,
            vec![
                r#"/c/id | body /customer/id | "7" | tds_ext_info.body.template.customer.id"#,
                "/n | body /customer/vip | true | tds_ext_info.body.template.customer.vip",
            ],
        ),
        (
            json!({"type": "object", "properties": {"items": {"type": "array"}}}),
            json!({"body": {"root": "/items"}}),
            r#"{"items":[1,2]}"#,
            vec!["/items | body  | [1,2] | tds_ext_info.body.root"],
        ),
        (
            json!({"type": "object", "properties": {"tags": {}, "name": {}}}),
            json!({"body": {"mode": "form", "encoding": {"tags": {"style": "pipeDelimited"}}}}),
            r#"{"tags":["a","b"],"name":"ü"}"#,
            vec![
                "/tags | body tags | tags=a%7Cb | tds_ext_info.body.encoding.tags",
                "/name | body name | name=%C3%BC | arguments without a rule go into the body (POST)",
            ],
        ),
        (
            json!({"type": "object", "properties": {"file": {"contentEncoding": "base64"}, "title": {}}}),
            json!({"body": {"parts": [{"name": "document", "from": "/file"}]}}),
            r#"{"file":"QUJD","title":"t"}"#,
            vec![
                r#"/title | body part `title` | "t" | arguments without a rule go into the body (POST)"#,
                r#"/file | body part `document` | "QUJD" | tds_ext_info.body.parts[0]"#,
            ],
        ),
        (
            json!({"type": "object", "properties": {"path": {"type": "object"}, "query": {"type": "object"}, "body": {}}}),
            json!({}),
            r#"{"query":{"a":null,"b":[1,2]},"body":{"x":1}}"#,
            vec![
                "/query/a | query a | NOT SENT null, or nothing in it | group `query` of the arguments",
                "/query/b | query b | b=1&b=2 | group `query` of the arguments",
                r#"/body | body  | {"x":1} | group `body` of the arguments"#,
            ],
        ),
    ];
    for (schema, binding, arguments, expected) in table {
        let tool = with(NOWHERE, "POST", "/x", &schema, &binding);
        let explanation = explain(&engine(), &tool, arguments, false).await;
        let rows: Vec<String> = explanation.placements.iter().map(row).collect();
        assert_eq!(rows, expected, "{binding}");
    }
}

#[tokio::test]
async fn all_problems_are_named_and_what_can_be_made_is_shown() {
    let schema = json!({"type": "object", "required": ["id", "n"], "properties": {
        "id": {"type": "integer"}, "n": {}, "list": {"items": {"type": "string"}}
    }, "additionalProperties": false});
    let tool = with(NOWHERE, "GET", "/x/{id}", &schema, &json!({}));
    let engine = engine();
    let list: Vec<u32> = (0..20).collect();
    let arguments = json!({"id": "a b", "list": list, "more": 1}).to_string();
    let explanation = explain(&engine, &tool, &arguments, true).await;
    assert!(!explanation.valid && explanation.sent.is_none());
    let paths: Vec<&str> = explanation
        .problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    assert!(
        paths.contains(&"/id") && paths.contains(&"/n") && paths.contains(&"(root)"),
        "{paths:?}"
    );
    assert_eq!(paths.iter().filter(|path| path.starts_with("/list/")).count(), 20);
    let request = explanation.request.unwrap();
    assert!(
        request
            .url
            .starts_with("http://127.0.0.1:9/x/a%20b?list=0&list=1"),
        "{}",
        request.url
    );

    let explanation = explain(&engine, &tool, r#"{"n":1}"#, false).await;
    let problems: Vec<String> = explanation
        .problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.reason))
        .collect();
    assert_eq!(problems, ["/id: is required, but missing"]);
    assert!(explanation.request.is_none() && explanation.curl.is_none());
    let text = explanation.to_string();
    assert!(
        text.starts_with("GET http://127.0.0.1:9/x/{id}\n  cannot be made of these arguments\n"),
        "{text}"
    );

    for arguments in ["[]", "{\"n\":1,\"n\":2}", "{\"id\":\"..\",\"n\":1}"] {
        let explanation = explain(&engine, &tool, arguments, true).await;
        assert!(
            !explanation.valid && !explanation.problems.is_empty(),
            "{arguments}"
        );
    }
}

#[tokio::test]
async fn what_no_rule_places_is_said_to_go_nowhere() {
    let tool = with(
        NOWHERE,
        "GET",
        "/x",
        &json!({}),
        &json!({"body": {"mode": "none"}}),
    );
    let explanation = explain(&engine(), &tool, r#"{"body":{"a":1}}"#, false).await;
    let last = explanation.placements.last().unwrap();
    assert_eq!(
        row(last),
        "/body/a | nowhere  | NOT SENT no rule places it, and this tool sends no body | none"
    );
    assert_eq!(last.source, Source::Argument);
    assert!(!explanation.valid);
}

#[tokio::test]
async fn limits_say_who_set_them_and_egress_what_it_would_do() {
    let binding = json!({
        "timeout_ms": 700, "limits": {"max_response_bytes": "1KiB", "concurrency": 3}, "redirect": {"follow": 2},
        "retry": {"max": 2, "on": ["connect", 503]}
    });
    let tool = with("http://169.254.169.254", "GET", "/x", &json!({}), &binding);
    let explanation = explain(&engine(), &tool, "{}", false).await;
    let shown: Value = serde_json::to_value(&explanation.limits).unwrap();
    assert_eq!(shown["timeout_ms"], json!({"value": 700, "set_by": "definition"}));
    assert_eq!(
        shown["connect_timeout_ms"],
        json!({"value": 5000, "set_by": "gateway"})
    );
    assert_eq!(
        shown["max_response_bytes"],
        json!({"value": 1024, "set_by": "definition"})
    );
    assert_eq!(shown["retry"], json!({"max": 2, "on": ["connect", "503"]}));
    assert_eq!(
        (&shown["concurrency"], &shown["redirects"]),
        (&json!(3), &json!(2))
    );
    let egress = explanation.egress.as_ref().unwrap();
    assert_eq!(egress.allowed, Some(false));
    let reason = egress.reason.clone().unwrap();
    assert!(reason.contains("metadata address"), "{reason}");
    assert!(!explanation.to_string().contains("tds_ext_info.egress"));

    let more = json!({"egress": {"allow": ["LOCALHOST", "*.example.com"], "deny": ["127.0.0.0/8", "::1"]}});
    let tool = with("http://localhost:9", "GET", "/x", &json!({}), &more);
    let text = explain(&engine(), &tool, "{}", false).await.to_string();
    for line in [
        "`egress.deny` of the definition names it\n",
        "\n  tds_ext_info.egress: only localhost, *.example.com, never 127.0.0.0/8, ::1\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("\nEgress: localhost:9 is NOT called: "), "{text}");
}

/// Places and reasons are told apart whatever characters they have.
#[tokio::test]
async fn a_problem_names_the_argument_whatever_it_is_called() {
    let schema = json!({"type": "object", "properties": {"a: b\nc": {"type": "integer"}}});
    let tool = with(NOWHERE, "GET", "/", &schema, &json!({}));
    let explanation = explain(&engine(), &tool, r#"{"a: b\nc":"x: y"}"#, false).await;
    let problems: Vec<_> = (explanation.problems.iter())
        .map(|problem| (problem.path.as_str(), problem.reason.as_str()))
        .collect();
    assert_eq!(problems, [("/a: b\nc", "\"x: y\" is not of type \"integer\"")]);
}
