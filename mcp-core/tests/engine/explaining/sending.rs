//! The answer beside the result, and no secret in either.

use super::explain;
use crate::{
    calling::{engine, roomy_engine, with},
    credentials::{SECRET, SecretDir},
    upstream::Server,
};
use http::Response;
use serde_json::{Value, json};

#[tokio::test]
async fn the_raw_answer_stands_beside_the_shaped_one() {
    let server = Server::answering(|_| {
        Response::builder()
            .status(201)
            .header("content-type", "application/json")
            .header("set-cookie", "sid=abc; Path=/; HttpOnly")
            .header("x-auth-token", "abc")
            .body(r#"{"data":[{"id":1,"total":1.10,"noise":"zzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}]}"#.into())
            .unwrap()
    })
    .await;
    let binding = json!({"response": {"jq": "{orders: (.data | map({id, total}))}", "content": ["text", "structured"]}});
    let tool = with(&server.origin, "POST", "/x", &json!({}), &binding);
    let explanation = explain(&engine(), &tool, r#"{"n":1.10}"#, true).await;
    let seen = server.take();
    assert_eq!(seen.text(), r#"{"n":1.10}"#);
    let sent = explanation.sent.as_ref().unwrap();
    let answer = sent.answer.as_ref().unwrap();
    assert_eq!(answer.status, 201);
    let header = |name: &str| {
        answer
            .headers
            .iter()
            .find(|h| h.name == name)
            .unwrap()
            .value
            .clone()
    };
    assert_eq!(header("Set-Cookie"), "sid=***; Path=/; HttpOnly");
    assert_eq!(header("X-Auth-Token"), "***");
    assert!(answer.body.text.as_ref().unwrap().contains("\"total\":1.10"));
    assert_eq!((answer.body.bytes, answer.body.tokens), (72, Some(18)));
    assert_eq!(sent.result.outcome, "ok");
    assert!(!sent.result.is_error);
    assert_eq!(
        sent.result.structured.as_ref().unwrap().get(),
        r#"{"orders":[{"id":1,"total":1.10}]}"#
    );
    assert!(sent.result.content_cost.tokens > 0);
    assert!(sent.timings.upstream_ms >= 0.0);
    let text = explanation.to_string();
    assert!(
        text.contains("Answer: 201, 72 bytes, about 18 tokens in "),
        "{text}"
    );
    assert!(text.contains("Result: ok; content "), "{text}");
}

#[tokio::test]
async fn an_upstream_that_repeats_the_credential_does_not_give_it_away() {
    let server = Server::answering(|seen| {
        let headers: Vec<(String, String)> = seen
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let body = json!({"target": seen.target, "headers": headers, "plain": SECRET}).to_string();
        Response::builder()
            .header("content-type", "application/json")
            .header("x-echo", SECRET)
            .body(body.into())
            .unwrap()
    })
    .await;
    let dir = SecretDir::new("echoed");
    let key = dir.reference("token");
    for auth in [
        json!({"type": "bearer", "credential": key}),
        json!({"type": "basic", "username": "ann", "password": key}),
        json!({"type": "api_key", "credential": key, "in": "query", "name": "k"}),
        json!({"type": "api_key", "credential": key, "in": "cookie", "name": "k"}),
    ] {
        let tool = with(&server.origin, "GET", "/x", &json!({}), &json!({"auth": auth}));
        let explanation = explain(&dir.engine(), &tool, "{}", true).await;
        let seen = server.take();
        let arrived = format!("{}{:?}", seen.target, seen.headers);
        assert!(
            arrived.contains("s3cr3t") || arrived.contains("YW5uOnMzY3IzdC8rPQ=="),
            "{arrived}"
        );
        let shown = serde_json::to_string(&explanation).unwrap() + &explanation.to_string();
        for spelling in ["s3cr3t", "YW5uOnMzY3IzdC8rPQ", "czNjcjN0"] {
            assert!(!shown.contains(spelling), "{spelling} in {shown}");
        }
        assert!(explanation.sent.unwrap().result.content.get().contains("***"));
    }
}

#[tokio::test]
async fn a_failure_is_a_result_without_an_answer_and_a_large_answer_is_cut() {
    let tool = with("http://127.0.0.1:9", "GET", "/x", &json!({}), &json!({}));
    let sent = explain(&engine(), &tool, "{}", true).await.sent.unwrap();
    assert!(sent.answer.is_none() && sent.result.is_error);
    assert_eq!(sent.result.outcome, "connect");

    let large = json!({"text": "ü".repeat(200_000)}).to_string();
    let size = large.len();
    let server = Server::fixed(200, "application/json", large).await;
    let tool = with(&server.origin, "GET", "/x", &json!({}), &json!({}));
    let explanation = explain(&roomy_engine(), &tool, "{}", true).await;
    let sent = explanation.sent.as_ref().unwrap();
    let body = &sent.answer.as_ref().unwrap().body;
    assert!(body.truncated);
    assert_eq!((body.bytes, body.tokens), (size, Some(200_003)));
    let shown = serde_json::to_string(&explanation).unwrap();
    assert!(shown.len() < 200_000, "{}", shown.len());
    let again: Value = serde_json::from_str(&shown).unwrap();
    assert!(
        again["sent"]["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("bytes)")
    );
    let read: mcp_core::authoring::explain::Explanation = serde_json::from_str(&shown).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), shown);
}
