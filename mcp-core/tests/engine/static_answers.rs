//! Tools whose definition holds the answer.

use crate::calling::{call_text, compile, compile_text, content, engine, structured, text};
use mcp_common::authenticator::Principal;
use mcp_core::{
    engine::{CallContext, Outcome},
    spec::Era,
    tool::{CompiledTool, InstanceNames},
};
use serde_json::{Value, json, value::RawValue};
use std::sync::Arc;

fn definition(answer: Value) -> Value {
    json!({
        "name": "tool", "description": "A tool", "static": answer,
        "input_schema": {"type": "object", "properties": {"day": {"enum": ["mon", "sun"]}, "desk": {}}, "required": ["day"]},
    })
}

fn tool(answer: Value) -> CompiledTool {
    compile(&definition(answer)).unwrap().0
}

fn with(mut definition: Value, name: &str, value: Value) -> Value {
    definition[name] = value;
    definition
}

#[tokio::test]
async fn blocks_are_answered_as_they_stand() {
    let blocks = json!([
        {"type": "text", "text": "A \"text\"\nof two lines, {{ not a template }}", "annotations": {"audience": ["user"], "priority": 0.5}},
        {"type": "image", "data": "aQ==", "mimeType": "image/png"},
        {"type": "audio", "data": "aQ==", "mimeType": "audio/wav", "_meta": {"a/b": 1.1}},
        {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": "t"}},
        {"type": "resource", "resource": {"uri": "file:///b", "blob": "aQ=="}},
        {"type": "resource_link", "uri": "file:///a", "name": "a", "title": "A", "size": 3, "icons": [{"src": "data:,"}]},
    ]);
    let document = definition(json!({"content": blocks})).to_string();
    let tool = compile_text(&document.replace(r#""a/b":1.1"#, r#""a/b":1.10"#))
        .unwrap()
        .0;
    let result = call_text(&engine(), &tool, r#"{"day":"mon"}"#).await;
    assert_eq!(content(&result), blocks);
    assert!(String::from_utf8_lossy(&result.content).contains(r#""a/b":1.10}"#));
    assert_eq!(
        (result.is_error, result.outcome, result.upstream_status),
        (false, Outcome::Ok, None)
    );
    assert_eq!(structured(&result), None);
}

#[tokio::test]
async fn json_is_answered_as_structured_content_and_as_text() {
    let text_of = r#"{"open":[9, 17],"exact":12345678901234567890.10}"#;
    let document = definition(json!({"structured": 0})).to_string();
    let document = document.replace(r#""structured":0"#, &format!(r#""structured":{text_of}"#));
    let tool = compile_text(&document).unwrap().0;
    let result = call_text(&engine(), &tool, r#"{"day":"mon"}"#).await;
    let one_line = r#"{"open":[9,17],"exact":12345678901234567890.10}"#;
    assert_eq!(result.structured.as_deref(), Some(one_line.as_bytes()));
    assert_eq!(text(&result), text_of);

    let both = json!({"structured": {"open": true}, "content": [{"type": "text", "text": "Open."}]});
    let result = call_text(&engine(), &self::tool(both), r#"{"day":"mon"}"#).await;
    assert_eq!(text(&result), "Open.");
    assert_eq!(structured(&result), Some(json!({"open": true})));
}

#[tokio::test]
async fn arguments_are_held_to_the_schema_though_nothing_is_sent() {
    let tool = tool(json!({"content": []}));
    for (arguments, expected) in [
        ("{}", "/day: is required, but missing"),
        (r#"{"day":"tue"}"#, "/day: "),
        (r#"{"day":"mon","day":"sun"}"#, "(root): "),
    ] {
        let result = call_text(&engine(), &tool, arguments).await;
        assert_eq!(result.outcome, Outcome::InvalidArguments, "{arguments}");
        assert!(text(&result).contains(expected), "{}", text(&result));
    }
    let open = with(definition(json!({"content": []})), "input_schema", json!({}));
    let open = compile(&open).unwrap().0;
    assert!(!call_text(&engine(), &open, r#"{"any":1}"#).await.is_error);
    assert!(call_text(&engine(), &open, r#"{"any":1,"any":2}"#).await.is_error);
}

#[tokio::test]
async fn what_an_instance_says_about_arguments_holds() {
    let tool = Arc::new(tool(json!({"content": [{"type": "text", "text": "Hi."}]})));
    let overrides = |json: Value| {
        let reference = json!({"name": "i", "tool_ids": [json]}).to_string();
        let document = mcp_common::document::Document::parse(reference.as_bytes()).unwrap();
        let read = mcp_common::definition::InstanceDefinition::read("i", &document).unwrap();
        read.definition.tool_ids[0].overrides.clone().unwrap()
    };
    let refused = tool.with_overrides(&overrides(json!({"id": "t", "hide": ["day"]})));
    let reason = refused.unwrap_err().to_string();
    assert_eq!(
        reason,
        "hide[0]: the tool requires `day`: give it a value in `defaults`"
    );
    let refused = tool.with_overrides(&overrides(json!({"id": "t", "defaults": {"day": "tue"}})));
    assert!(refused.unwrap_err().to_string().starts_with("defaults.day: "));

    let hidden = overrides(json!({"id": "t", "hide": ["day"], "defaults": {"day": "sun"}}));
    let hidden = tool.with_overrides(&hidden).unwrap();
    assert!(!hidden.listing("t", None, Era::Modern).contains("\"day\""));
    assert_eq!(text(&call_text(&engine(), &hidden, "{}").await), "Hi.");
    let given = call_text(&engine(), &hidden, r#"{"day":"mon"}"#).await;
    assert!(
        text(&given).contains("/day: is not an argument of this tool"),
        "{}",
        text(&given)
    );
}

#[tokio::test]
async fn an_explanation_says_that_nothing_is_sent_and_what_is_answered() {
    let tool = tool(json!({"content": [{"type": "text", "text": "Closed."}], "structured": {"open": false}}));
    let explain = async |arguments: &str| {
        let arguments = RawValue::from_string(arguments.to_owned()).unwrap();
        let context = CallContext {
            instance: &InstanceNames::id_only("support"),
            principal: &Principal::named("alice"),
            arguments: Some(&arguments),
            headers: None,
        };
        engine().explain(&tool, context, true).await
    };
    let explanation = explain(r#"{"day":"sun"}"#).await;
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(
        (
            &json["target"],
            &json["valid"],
            &json["answer"]["structuredContent"]
        ),
        (&json!("static"), &json!(true), &json!({"open": false}))
    );
    for absent in [
        "method", "endpoint", "request", "curl", "limits", "egress", "sent",
    ] {
        assert_eq!(json.get(absent), None, "{absent}");
    }
    let shown = explanation.to_string();
    assert!(
        shown.starts_with("Nothing is sent: the definition holds the answer (static)\n"),
        "{shown}"
    );
    assert!(shown.contains("  Closed.\n"), "{shown}");

    let explanation = explain("{}").await;
    assert!(!explanation.valid && explanation.answer.is_none());
    let shown = explanation.to_string();
    assert!(
        shown.contains("Problems: a call with these arguments is not answered\n  /day"),
        "{shown}"
    );
}

#[test]
fn refusals_name_the_field_and_the_reason() {
    let block = |block: Value| definition(json!({"content": [{"type": "text", "text": "x"}, block]}));
    let promise = json!({"type": "object", "required": ["open"]});
    let http = json!({"domain": "a.example", "method": "GET", "path": "/"});
    let table = [
        (
            json!({"name": "n", "description": "d"}),
            "missing field `tds_ext_info`, the HTTP request that a call makes; a tool that holds its answer has `static` instead",
        ),
        (
            with(definition(json!({"content": []})), "tds_ext_info", http),
            "static: is given together with `tds_ext_info`",
        ),
        (definition(json!({})), "static: says no answer: give `content`"),
        (
            definition(json!({"contnt": []})),
            "static.contnt: unknown field `contnt`",
        ),
        (
            block(json!({"type": "video"})),
            "static.content[1].type: unknown variant `video`",
        ),
        (
            block(json!({"type": "text"})),
            "static.content[1].text: is missing: a block of type `text` has it",
        ),
        (
            block(json!({"type": "text", "text": "x", "mimeType": "text/plain"})),
            "static.content[1].mimeType: does not belong to a block of type `text`",
        ),
        (
            block(json!({"type": "image", "data": "a b", "mimeType": "image/png"})),
            "static.content[1].data: is not base64",
        ),
        (
            block(json!({"type": "resource", "resource": {"uri": "u"}})),
            "static.content[1].resource.text: is missing",
        ),
        (
            block(json!({"type": "resource", "resource": {"text": "t"}})),
            "static.content[1].resource: missing field `uri`",
        ),
        (
            with(
                definition(json!({"content": []})),
                "output_schema",
                promise.clone(),
            ),
            "static.structured: is missing: `output_schema` promises it",
        ),
        (
            with(
                definition(json!({"structured": {"opn": 1}})),
                "output_schema",
                promise.clone(),
            ),
            "static.structured: is not what `output_schema` promises: /open: is required, but missing",
        ),
        (
            with(
                definition(json!({"content": []})),
                "examples",
                json!([{"expect": {"status": 200}}]),
            ),
            "examples[0].expect.status: cannot be",
        ),
    ];
    for (document, expected) in table {
        let problems = compile(&document).unwrap_err();
        assert!(problems.starts_with(expected), "{problems}");
    }
    let fits = with(
        definition(json!({"structured": {"open": 1}})),
        "output_schema",
        promise,
    );
    let examples = json!([{"arguments": {"day": "mon"}, "mock": {"body": 1}}]);
    let (_, warnings) = compile(&with(fits, "examples", examples)).unwrap();
    assert_eq!(
        warnings,
        ["examples[0].mock: is not used, `static` is the answer"]
    );
}

#[test]
fn hints_say_that_it_changes_nothing() {
    let listed = |tool: &CompiledTool| -> Value {
        serde_json::from_str(&tool.listing("t", None, Era::Modern)).unwrap()
    };
    let hints = json!({"readOnlyHint": true, "idempotentHint": true});
    assert_eq!(listed(&tool(json!({"content": []})))["annotations"], hints);
}
