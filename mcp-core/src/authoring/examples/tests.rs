use super::*;
use crate::tool::ToolCompiler;
use mcp_common::document::Document;
use serde_json::{Value, json};

fn definition(examples: Value, members: Value) -> Document {
    let mut tool = json!({"name": "get", "description": "d", "examples": examples,
        "input_schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
        "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/orders/{id}"}});
    for (name, value) in members.as_object().unwrap() {
        tool["tds_ext_info"][name] = value.clone();
    }
    Document::parse(tool.to_string().as_bytes()).unwrap()
}

async fn run(document: &Document, mode: Mode) -> Vec<ExampleRun> {
    let definition = ToolDefinition::read("t", document).unwrap().definition;
    let compiled = ToolCompiler::default().compile(&definition).unwrap();
    let runner = Runner {
        engine: &Engine::default(),
        instance: &InstanceNames::id_only("i"),
        principal: &Principal::anonymous(),
        mode,
    };
    runner.run(&compiled.tool, &definition).await
}

/// The first detail, or `ok`.
async fn outcome(example: Value, members: Value) -> String {
    let runs = run(&definition(json!([example]), members), Mode::Mock).await;
    match runs[0].verdict {
        Verdict::Passed => "ok".to_owned(),
        Verdict::Failed => runs[0].details[0].clone(),
        Verdict::Skipped => format!("skipped: {}", runs[0].details[0]),
    }
}

#[tokio::test]
async fn a_mocked_answer_is_shaped_and_compared() {
    let order = json!({"status": 200, "body": {"id": 7, "total": 19.90}});
    let found =
        |jq: &str| json!({"arguments": {"id": 7}, "expect": {"status": 200, "jq": jq}, "mock": order});
    let table = [
        (found(".id == 7 and .total == 19.9"), json!({}), "ok"),
        (
            found(".id == 8"),
            json!({}),
            "jq: `.id == 8` gives false, not true",
        ),
        (found(".id"), json!({}), "jq: `.id` gives 7, not true"),
        (found(".id | error"), json!({}), "jq: `.id | error` failed: 7"),
        (found(". == 7"), json!({"response": {"jq": ".id"}}), "ok"),
        (
            found(". == \"No 7\""),
            json!({"response": {"template": "No {{ data.id }}", "content": ["text"]}}),
            "ok",
        ),
        (
            found("true"),
            json!({"response": {"success": "body.id == 8"}}),
            "is_error: expected a success, got an error",
        ),
        (
            json!({"arguments": {"id": 7}, "mock": {"body": "plain"}, "expect": {"jq": ". == \"plain\""}}),
            json!({}),
            "ok",
        ),
        (
            json!({"arguments": {"id": 7}, "mock": {"body": "<a>", "headers": {"content-type": "application/json"}}}),
            json!({}),
            "is_error: expected a success, got an error",
        ),
        (
            json!({"arguments": {"id": 7}, "mock": {"status": 204}}),
            json!({}),
            "ok",
        ),
        (
            json!({"arguments": {"id": 7}, "mock": {"status": 404, "body": {}}, "expect": {"status": 200}}),
            json!({}),
            "status: expected 200, got 404",
        ),
        (
            json!({"arguments": {"id": 7}, "mock": {"status": 404}, "expect": {"status": 404}}),
            json!({}),
            "ok",
        ),
        (
            json!({"arguments": {"id": 7}, "mock": {"status": 404}}),
            json!({}),
            "is_error: expected a success, got an error",
        ),
        (
            json!({"arguments": {"id": "x"}, "mock": {}, "expect": {"is_error": true, "jq": "contains(\"/id\")"}}),
            json!({}),
            "ok",
        ),
        (
            json!({"arguments": {"id": "x"}, "mock": {}, "expect": {"status": 200}}),
            json!({}),
            "status: expected 200, got no answer (invalid_arguments)",
        ),
        (
            json!({"arguments": {"id": 7}, "mock": {}, "expect": {"is_error": true}}),
            json!({}),
            "is_error: expected an error, got a success",
        ),
        (
            json!({"arguments": {"id": 7}}),
            json!({}),
            "skipped: has no `mock`",
        ),
    ];
    for (example, members, expected) in table {
        assert_eq!(
            outcome(example.clone(), members.clone()).await,
            expected,
            "{example} {members}"
        );
    }
}

#[tokio::test]
async fn a_difference_comes_with_the_result_and_no_secret_is_needed() {
    let example = json!([{"description": "An order.", "arguments": {"id": 7}, "mock": {"body": {"id": 7}}, "expect": {"jq": ".id == 8"}}]);
    let auth = json!({"auth": {"type": "bearer", "credential": "${env:NO_SUCH_TOKEN_ANYWHERE}"}});
    let runs = run(&definition(example, auth), Mode::Mock).await;
    let expected = ExampleRun {
        tool: "t".into(),
        example: "examples[0]".into(),
        description: Some("An order.".into()),
        verdict: Verdict::Failed,
        details: vec![
            "jq: `.id == 8` gives false, not true".into(),
            "the result was: {\"id\":7}".into(),
        ],
    };
    assert_eq!(runs, [expected]);
}

#[tokio::test]
async fn what_may_change_something_is_not_sent_unasked() {
    let post = definition(json!([{"arguments": {"id": 7}}]), json!({"method": "post"}));
    let runs = run(&post, Mode::Live { any_method: false }).await;
    assert_eq!(runs[0].verdict, Verdict::Skipped);
    assert_eq!(
        runs[0].details,
        ["POST may change something there, it is not sent unasked"]
    );
}

#[test]
fn what_can_be_known_before_is_said_when_the_definition_is_written() {
    let compile = |examples: Value| {
        let definition = ToolDefinition::read("t", &definition(examples, json!({})))?.definition;
        ToolCompiler::default()
            .compile(&definition)
            .map(|compiled| compiled.warnings)
    };
    let table = [
        (
            json!([{"expect": {"jq": ".a |"}}]),
            "examples[0].expect.jq: is not jq",
        ),
        (
            json!([{}, {"expect": {"jq": "nope"}}]),
            "examples[1].expect.jq: uses the filter `nope`",
        ),
        (
            json!([{"expect": {"status": 1000}}]),
            "examples[0].expect.status: must be a status from 200 to 599",
        ),
        (
            json!([{"mock": {"status": 42}}]),
            "examples[0].mock.status: must be a status",
        ),
        (
            json!([{"mock": {"headers": {"a b": "c"}}}]),
            "examples[0].mock.headers.a b: is not the name of a header",
        ),
        (
            json!([{"mock": {"headers": {"a": "b\nc"}}}]),
            "examples[0].mock.headers.a: is not visible ASCII",
        ),
        (
            json!([{"expect": {"staus": 200}}]),
            "examples[0].expect.staus: unknown field `staus`",
        ),
        (
            json!([{"mock": {"bdy": 1}}]),
            "examples[0].mock.bdy: unknown field `bdy`",
        ),
        (json!({}), "examples: invalid type"),
    ];
    for (examples, expected) in table {
        let problems = compile(examples.clone()).unwrap_err().to_string();
        assert!(problems.starts_with(expected), "{examples}: {problems}");
    }
    let warnings = compile(
        json!([{"arguments": {"id": "x"}}, {"arguments": [1]}, {"arguments": {"id": 1}, "note": 1}, {}]),
    )
    .unwrap();
    assert_eq!(
        warnings,
        [
            "examples[0].arguments: do not fit `input_schema`: /id: \"x\" is not of type \"integer\"",
            "examples[1].arguments: must be a JSON object; calls with something else are refused",
            "examples[3].arguments: do not fit `input_schema`: /id: is required, but missing",
        ]
    );
    let expected_refusal = json!([{"arguments": {"id": "x"}, "expect": {"is_error": true}}]);
    assert_eq!(compile(expected_refusal).unwrap(), Vec::<String>::new());
    assert!(compile(json!(null)).is_ok());
}

#[tokio::test]
async fn an_answer_of_the_definition_needs_neither_mock_nor_upstream() {
    let tool = json!({"name": "hours", "description": "d", "static": {"structured": {"open": true}},
        "examples": [{"expect": {"jq": ".open"}}, {"expect": {"jq": ".open | not"}}]});
    let document = Document::parse(tool.to_string().as_bytes()).unwrap();
    for mode in [Mode::Mock, Mode::Live { any_method: false }] {
        let verdicts: Vec<_> = run(&document, mode).await.iter().map(|run| run.verdict).collect();
        assert_eq!(verdicts, [Verdict::Passed, Verdict::Failed]);
    }
}
