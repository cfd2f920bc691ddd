//! What templates know of the instance.

use crate::{
    calling::{engine, text, with},
    upstream::Server,
};
use mcp_common::{
    authenticator::Principal,
    definition::{InstanceDefinition, ToolDefinition},
    document::Document,
};
use mcp_core::{
    engine::CallContext,
    tool::{InstanceNames, ToolCompiler},
};
use serde_json::{Value, json};

fn names(instance: &str) -> InstanceNames {
    let document = Document::parse(instance.as_bytes()).unwrap();
    InstanceNames::of(&InstanceDefinition::read("eu", &document).unwrap().definition)
}

#[tokio::test]
async fn id_name_and_vars_are_typed_values() {
    let server = Server::start().await;
    let more = json!({
        "headers": {
            "X-Id": "{{ instance.id }}", "X-Text": "at {{ instance }} of {{ instance.name }}",
            "X-Base": "{{ instance.vars.base }}", "X-Same": "{{ instance.id == 'eu' }}"
        },
        "query": {"max": "{{ instance.vars.limits.max }}", "half": "{{ instance.vars.limits.max // 2 }}"},
        "body": {"template": {"tags": "{{ instance.vars.tags }}", "exact": "{{ instance.vars.exact }}", "none": "{{ instance.vars.none }}"}},
        "response": {"success": "status < 400 and instance.vars.limits.max > 5", "append": " for {{ instance.vars.base }}"}
    });
    let tool = with(
        &server.origin,
        "POST",
        "/",
        &json!({"type": "object", "properties": {}}),
        &more,
    );
    let instance = names(
        r#"{"name":"Europe","vars":{"base":"b","limits":{"max":10},"tags":["a"],"exact":123456789012345678901234567890.10,"none":null}}"#,
    );
    let context = CallContext {
        instance: &instance,
        principal: &Principal::anonymous(),
        arguments: None,
        headers: None,
    };
    let result = engine().call(&tool, context).await;
    assert!(!result.is_error, "{}", text(&result));
    assert!(text(&result).ends_with(" for b"), "{}", text(&result));
    let seen = server.take();
    let header = |name: &str| seen.header(name).unwrap_or_default().to_owned();
    assert_eq!(
        [
            header("x-id"),
            header("x-text"),
            header("x-base"),
            header("x-same")
        ],
        ["eu", "at eu of Europe", "b", "true"]
    );
    assert_eq!(seen.target, "/?max=10&half=5");
    assert_eq!(
        seen.text(),
        r#"{"tags":["a"],"exact":123456789012345678901234567890.10,"none":null}"#
    );
}

#[test]
fn what_an_instance_does_not_have_is_refused_when_the_tool_is_written() {
    let refusal = |header: &str| {
        let definition = json!({"name": "t", "description": "d", "input_schema": {}, "tds_ext_info": {
            "domain": "a.example", "method": "GET", "path": "/", "headers": {"X": header}}});
        let document = Document::parse(definition.to_string().as_bytes()).unwrap();
        let definition = ToolDefinition::read("t", &document).unwrap().definition;
        ToolCompiler::default()
            .compile(&definition)
            .unwrap_err()
            .to_string()
    };
    let table = [
        (
            "{{ instance.region }}",
            "names `instance.region`; known are `instance.id`",
        ),
        ("{{ instance.vars }}", "names `instance.vars` as a whole"),
        ("{{ instance.vars | length }}", "names `instance.vars` as a whole"),
        (
            "{{ instance == 'a' }}",
            "uses `instance` as a value; write `instance.id`",
        ),
        (
            "{{ instance }} {% if instance %}x{% endif %}",
            "write `instance.id`",
        ),
        ("{{ instance | upper }}!", "write `instance.id`"),
    ];
    for (header, says) in table {
        let text = refusal(header);
        assert!(
            text.starts_with("tds_ext_info.headers.X: ") && text.contains(says),
            "{header}: {text}"
        );
    }
}

#[test]
fn values_of_an_instance_are_neither_secrets_nor_templates() {
    for (value, says) in [
        (
            json!("${env:TOKEN}"),
            "vars.a: `${env:…}` is read in a tool's `auth` only",
        ),
        (
            json!({"deep": ["{{ principal.sub }}"]}),
            "vars.a: `{{` would be sent as it stands",
        ),
    ] {
        let document: Value = json!({"name": "i", "vars": {"a": value}});
        let document = Document::parse(document.to_string().as_bytes()).unwrap();
        let problems = InstanceDefinition::read("i", &document).unwrap_err().to_string();
        assert!(problems.contains(says), "{problems}");
    }
}
