//! Whatever stands in a definition or comes back from an upstream: refused or used, never a panic or broken JSON.

use crate::calling::{compile, definition, engine};
use bytes::Bytes;
use http::{HeaderValue, Response};
use mcp_common::authenticator::Principal;
use mcp_core::{
    engine::{CallContext, CallResult},
    tool::InstanceNames,
};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json, value::RawValue};

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    }
}

fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        r"[/{}:.%?#a-c\[\]@ü]{0,16}",
        r#"(\{\{|\}\}|\{%|%\}|args|\.|\[|\]|"|'|\||is|upper| |a|-|if|\(|\)){0,10}"#,
    ]
}

fn is_json_content(result: &CallResult) -> bool {
    let content: Value = serde_json::from_slice(&result.content).unwrap_or_default();
    content.as_array().is_some_and(|blocks| blocks.len() == 1)
}

#[test]
fn any_definition_is_compiled_or_refused() {
    let engine = engine();
    let principal = Principal::anonymous();
    let parts = (odd_text(), odd_text(), odd_text(), odd_text(), odd_text());
    TestRunner::new(config())
        .run(&parts, |(domain, method, path, header, query)| {
            let domain = if domain.len() % 2 == 0 {
                "a".to_owned()
            } else {
                domain
            };
            let method = if method.len() % 2 == 0 {
                "GET".to_owned()
            } else {
                method
            };
            let binding = json!({"domain": domain, "method": method, "path": path,
                "headers": {"X-A": header}, "query": {"q": query}});
            let schema = json!({"type": "object", "additionalProperties": true});
            let Ok((tool, _)) = compile(&definition(&schema, &binding)) else {
                return Ok(());
            };
            let arguments = RawValue::from_string(r#"{"a":"x","b":[1],"c":"y"}"#.to_owned()).unwrap();
            let context = CallContext {
                instance: &InstanceNames::id_only("i"),
                principal: &principal,
                arguments: Some(&arguments),
                headers: None,
            };
            match engine.plan(&tool, context) {
                Ok(request) => prop_assert!(request.uri().path().starts_with('/')),
                Err(refusal) => prop_assert!(is_json_content(&refusal)),
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_answer_becomes_a_result() {
    let engine = engine();
    let binding = json!({"domain": "a", "method": "GET", "path": "/"});
    let (tool, _) = compile(&definition(&json!({}), &binding)).unwrap();
    let kinds = prop_oneof![
        Just("application/json".to_owned()),
        Just("text/plain; charset=latin1".to_owned()),
        Just("image/png".to_owned()),
        "[a-z]{0,5}/[a-z+]{0,6};? ?charset=?[a-z\"-]{0,6}",
        any::<String>(),
    ];
    let bodies = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        any::<String>().prop_map(String::into_bytes)
    ];
    let statuses = 200_u16..=599;
    TestRunner::new(config())
        .run(&(statuses, kinds, bodies), |(status, kind, body)| {
            let mut response = Response::new(Bytes::from(body));
            *response.status_mut() = status.try_into().unwrap();
            if let Ok(value) = HeaderValue::from_bytes(kind.as_bytes()) {
                response.headers_mut().insert("content-type", value);
            }
            let result = engine.shape(&tool, response);
            prop_assert!(is_json_content(&result));
            prop_assert_eq!(result.upstream_status, Some(status));
            prop_assert!(status < 300 || result.is_error);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_template_cannot_eat_the_machine() {
    let engine = engine();
    let principal = Principal::anonymous();
    for hungry in [
        "{{ 'x' * 1000000000 }}",
        "{{ ('x' * 90000) * 90000 }}",
        "{{ ([0] * 1000000000) | join }}",
        "{{ range(1000000000) | list }}",
        "{{ 'x' | indent(1000000000, true) }}",
        "{{ '%1000000000d' | format(1) }}",
        "a{{ 'x' | replace('x', 'y' * 100000) | replace('y', 'z' * 100000) }}",
    ] {
        let binding = json!({"domain": "a", "method": "GET", "path": "/", "query": {"q": hungry}});
        let Ok((tool, _)) = compile(&definition(&json!({}), &binding)) else {
            continue;
        };
        let context = CallContext {
            instance: &InstanceNames::id_only("i"),
            principal: &principal,
            arguments: None,
            headers: None,
        };
        assert!(engine.plan(&tool, context).is_err(), "{hungry}");
    }
}
