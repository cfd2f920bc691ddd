//! What is no description is refused whole, and nothing is planned.

use crate::workshop::{Workshop, options};
use mcp_core::authoring::import::{Format, ImportOptions, Limits};

fn refusal(format: Format, text: &str, options: &ImportOptions) -> String {
    Workshop::default()
        .plan(format, text, options)
        .unwrap_err()
        .to_string()
}

#[test]
fn other_documents_are_refused_by_name() {
    let table = [
        ("", "it is empty"),
        ("{\"openapi\": ", "not JSON: EOF"),
        ("a: [", "not YAML"),
        ("<!DOCTYPE html><html></html>", "it is HTML or XML"),
        (
            "just a text",
            "a member `openapi: 3.x.y` or `swagger: \"2.0\"` is missing",
        ),
        ("[1]", "is missing"),
        ("openapi: 2.5.0", "OpenAPI 2.5.0 is not known"),
        ("swagger: '1.2'", "Swagger 1.2 is not known"),
        ("openapi: 3.0.0\npaths: [1]", "`paths` is not an object"),
        (include_str!("fixtures/collection.json"), "dynmcp import postman"),
        (include_str!("fixtures/session.har"), "dynmcp import har"),
        ("asyncapi: 2.0.0", "AsyncAPI"),
    ];
    for (text, expected) in table {
        let reason = refusal(Format::OpenApi, text, &options());
        assert!(reason.contains(expected), "{text:.40}: {reason}");
    }
    let openapi = include_str!("fixtures/petstore-2.0.json");
    assert!(refusal(Format::Postman, openapi, &options()).contains("not a Postman collection"));
    assert!(refusal(Format::Har, openapi, &options()).contains("not an HTTP archive"));
    assert!(refusal(Format::Har, "[]", &options()).contains("not an HTTP archive"));
    assert!(refusal(Format::Curl, "wget x", &options()).contains("not a curl line"));
    assert!(refusal(Format::Curl, "curl", &options()).contains("names no URL"));
    assert!(refusal(Format::Curl, "curl http://a http://b", &options()).contains("one by one"));
    assert!(refusal(Format::Curl, "curl http://a -d @/etc/passwd", &options()).contains("from a file"));
    assert!(refusal(Format::Curl, "curl 'http://a", &options()).contains("not closed"));
    assert!(refusal(Format::Curl, "curl ^\"http://a^\"", &options()).contains("Windows prompt"));
    assert!(refusal(Format::Curl, "curl -sT x.bin http://a", &options()).contains("-T"));
}

#[test]
fn bounds_are_named() {
    let openapi = include_str!("fixtures/petstore-3.0.yaml");
    let small = Limits {
        max_bytes: 100,
        ..Limits::default()
    };
    let reason = refusal(
        Format::OpenApi,
        openapi,
        &ImportOptions {
            limits: small,
            ..options()
        },
    );
    assert!(reason.contains("at most 100 are read"), "{reason}");
    let few = Limits {
        max_operations: 3,
        ..Limits::default()
    };
    let reason = refusal(
        Format::OpenApi,
        openapi,
        &ImportOptions {
            limits: few,
            ..options()
        },
    );
    assert!(reason.contains("operations, at most 3"), "{reason}");
    let deep = format!("{{\"openapi\": \"3.0.0\", \"x\": {}", "[".repeat(100_000));
    assert!(
        refusal(Format::OpenApi, &deep, &options())
            .contains("100 levels of nesting, the bound `bounds.description_depth`")
    );
    assert!(refusal(Format::OpenApi, &"- ".repeat(100_000), &options()).contains("nested deeper"));
}

#[test]
fn an_operation_that_is_too_large_or_too_deep_is_skipped_alone() {
    let deep = format!(
        "{}{{\"type\":\"string\"}}{}",
        "{\"items\":".repeat(80),
        "}".repeat(80)
    );
    let wide = (0..20_000)
        .map(|n| format!("\"p{n}\":{{}}"))
        .collect::<Vec<_>>()
        .join(",");
    let text = format!(
        r#"{{"openapi":"3.0.0","servers":[{{"url":"http://a"}}],"paths":{{
            "/deep":{{"get":{{"parameters":[{{"name":"a","in":"query","schema":{deep}}}]}}}},
            "/wide":{{"get":{{"parameters":[{{"name":"a","in":"query","schema":{{"properties":{{{wide}}}}}}}]}}}},
            "/good":{{"get":{{}}}}}}}}"#
    );
    let mut workshop = Workshop::default();
    let report = workshop.import(&text, &options());
    assert_eq!(report.created, ["pets.get_good"]);
    let reason = |operation: &str| {
        let found = report
            .skipped
            .iter()
            .find(|skipped| skipped.operation == operation);
        found.map(|skipped| skipped.reason.clone()).unwrap_or_default()
    };
    assert!(reason("GET /deep").contains("levels"), "{report}");
    assert!(reason("GET /wide").contains("more schemas"), "{report}");
}

#[test]
fn an_instance_and_a_base_url_have_to_be_ones() {
    let openapi = include_str!("fixtures/petstore-3.0.yaml");
    let nobody = ImportOptions {
        instance: String::new(),
        ..options()
    };
    assert!(refusal(Format::OpenApi, openapi, &nobody).contains("must not be empty"));
    let relative = ImportOptions {
        base_url: Some("/v1".to_owned()),
        ..options()
    };
    assert!(refusal(Format::OpenApi, openapi, &relative).contains("http://"));
}
