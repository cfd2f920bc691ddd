//! What upstream answers become.

use crate::{
    calling::{call, compile, content, definition, structured, text, tool},
    upstream::Server,
};
use http::Response;
use mcp_core::{engine::Outcome, tool::CompiledTool};
use serde_json::{Value, json};

async fn answered(
    status: u16,
    content_type: &'static str,
    body: impl Into<bytes::Bytes>,
) -> mcp_core::engine::CallResult {
    let server = Server::fixed(status, content_type, body).await;
    call(
        &tool(&server.origin, "GET", "/x?key=secret", &json!({})),
        &json!({}),
    )
    .await
}

fn promising(origin: &str, output: &Value) -> CompiledTool {
    let mut definition = definition(
        &json!({}),
        &json!({"domain": origin, "method": "GET", "path": "/"}),
    );
    definition["output_schema"] = output.clone();
    compile(&definition).unwrap().0
}

#[tokio::test]
async fn json_is_text_and_objects_are_structured_too() {
    let table: [(&str, &str, bool); 7] = [
        ("application/json", r#"{"a":1.10,"b":[null]}"#, true),
        (
            "application/json; charset=utf-8",
            "{\n  \"a\": \"x\\ny\"\r\n}\n",
            true,
        ),
        (
            "application/problem+json",
            r#"{"a":123456789012345678901234567890}"#,
            true,
        ),
        ("", r#"{"a":1}"#, true),
        ("application/json", "[1,2]", false),
        ("application/json", "\"ü\"", false),
        ("Application/JSON", "null", false),
    ];
    for (content_type, body, is_object) in table {
        let result = answered(200, content_type, body).await;
        assert!(!result.is_error, "{body}");
        assert_eq!((result.outcome, result.upstream_status), (Outcome::Ok, Some(200)));
        assert_eq!(text(&result), body.trim_end());
        assert_eq!(result.structured.is_some(), is_object, "{body}");
        if let Some(bytes) = &result.structured {
            assert!(!bytes.contains(&b'\n') && !bytes.contains(&b'\r'));
            assert_eq!(
                structured(&result).unwrap(),
                serde_json::from_str::<Value>(body).unwrap()
            );
        }
    }
    let raw = answered(200, "application/json", r#"{"a":1.10}"#).await;
    assert_eq!(raw.structured.unwrap(), r#"{"a":1.10}"#.as_bytes());
}

#[tokio::test]
async fn what_says_it_is_json_must_be() {
    for body in ["OK", "{\"a\":", "{}x", "\u{0}"] {
        let result = answered(200, "application/json", body).await;
        assert!(result.is_error && result.outcome == Outcome::BadAnswer);
        assert!(text(&result).contains("says it is JSON, but is not") && text(&result).ends_with(body));
    }
    let result = answered(200, "application/json", &b"{\"a\":\"\xff\"}"[..]).await;
    assert_eq!(result.outcome, Outcome::BadAnswer);
}

#[tokio::test]
async fn an_unsuccessful_status_is_an_error_with_its_body() {
    let result = answered(404, "application/json", r#"{"error":"no such user"}"#).await;
    assert!(result.is_error && result.structured.is_none());
    assert_eq!(
        (result.outcome, result.upstream_status),
        (Outcome::Upstream4xx, Some(404))
    );
    assert_eq!(text(&result), "HTTP 404 Not Found\n{\"error\":\"no such user\"}");

    let result = answered(503, "text/plain", "ü".repeat(10_000)).await;
    assert_eq!(result.outcome, Outcome::Upstream5xx);
    let said = text(&result);
    assert!(said.starts_with("HTTP 503 Service Unavailable\nüüü"));
    assert!(
        said.ends_with("(cut: the first 4096 of 20000 bytes)") && said.len() < 4_300,
        "{said}"
    );

    assert_eq!(text(&answered(400, "", "").await), "HTTP 400 Bad Request");
    assert_eq!(
        text(&answered(500, "image/png", "abc").await),
        "HTTP 500 Internal Server Error\n(3 bytes of image/png)"
    );
    assert_eq!(text(&answered(599, "text/plain", "x").await), "HTTP 599\nx");
}

#[tokio::test]
async fn redirects_are_named_and_not_followed() {
    let server = Server::answering(|_| {
        Response::builder()
            .status(302)
            .header("location", "/elsewhere")
            .body("".into())
            .unwrap()
    })
    .await;
    let result = call(&tool(&server.origin, "GET", "/", &json!({})), &json!({})).await;
    assert!(result.is_error);
    assert_eq!(
        text(&result),
        "HTTP 302 Found. Redirects are not followed; Location: /elsewhere"
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn nothing_is_said_to_be_nothing() {
    let result = answered(204, "", "").await;
    assert!(!result.is_error);
    assert_eq!(text(&result), "HTTP 204, no content");
    assert_eq!(
        text(&answered(200, "application/json", "").await),
        "HTTP 200, no content"
    );
}

#[tokio::test]
async fn pictures_sound_and_other_data_are_blocks_of_their_own() {
    let result = answered(200, "image/png", &b"\x89PNG\r\n"[..]).await;
    assert_eq!(
        content(&result),
        json!([{"type": "image", "data": "iVBORw0K", "mimeType": "image/png"}])
    );
    let result = answered(200, "audio/wav; x=1", &b"RIFF"[..]).await;
    assert_eq!(
        content(&result),
        json!([{"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"}])
    );
    let server = Server::fixed(200, "application/pdf", &b"%PDF-"[..]).await;
    let result = call(
        &tool(&server.origin, "GET", "/a/b?key=secret", &json!({})),
        &json!({}),
    )
    .await;
    let uri = format!("{}/a/b", server.origin);
    let resource = json!({"uri": uri, "mimeType": "application/pdf", "blob": "JVBERi0="});
    assert_eq!(
        content(&result),
        json!([{"type": "resource", "resource": resource}])
    );
    assert!(!result.is_error);
    let result = answered(200, "", &b"\xff\xfe\x00"[..]).await;
    assert_eq!(
        content(&result)[0]["resource"]["mimeType"],
        "application/octet-stream"
    );
}

#[tokio::test]
async fn text_is_read_in_its_charset() {
    assert_eq!(
        text(&answered(200, "text/plain; charset=ISO-8859-1", &b"caf\xe9"[..]).await),
        "café"
    );
    assert_eq!(
        text(&answered(200, "text/html; charset=\"utf-8\"", "<b>ü</b>").await),
        "<b>ü</b>"
    );
    assert_eq!(
        text(&answered(200, "text/plain", &b"a\xffb"[..]).await),
        "a\u{fffd}b"
    );
    assert_eq!(text(&answered(200, "application/xml", "<a/>").await), "<a/>");
    assert_eq!(text(&answered(200, "image/svg+xml", "<svg/>").await), "<svg/>");
    assert_eq!(text(&answered(200, "", "just text").await), "just text");
    assert!(
        answered(200, "text/plain", "{\"a\":1}")
            .await
            .structured
            .is_none()
    );
}

#[tokio::test]
async fn a_promise_of_structure_is_kept_or_broken_openly() {
    let server = Server::fixed(200, "application/json", "[1, 2]").await;
    let result = call(
        &promising(
            &server.origin,
            &json!({"type": "array", "items": {"type": "integer"}}),
        ),
        &json!({}),
    )
    .await;
    assert_eq!(
        (result.is_error, structured(&result)),
        (false, Some(json!([1, 2])))
    );
    let result = call(
        &promising(&server.origin, &json!({"items": {"type": "string"}})),
        &json!({}),
    )
    .await;
    assert!(result.is_error && result.structured.is_none() && result.outcome == Outcome::BadAnswer);
    assert!(text(&result).contains("\n/0: 1 is not of type \"string\"") && text(&result).ends_with("[1, 2]"));

    let plain = Server::fixed(200, "text/plain", "hello").await;
    let result = call(&promising(&plain.origin, &json!({"type": "object"})), &json!({})).await;
    assert!(result.is_error && text(&result).contains("answered text/plain"));

    let empty = Server::fixed(204, "", "").await;
    let result = call(&promising(&empty.origin, &json!({"type": "object"})), &json!({})).await;
    assert!(
        result.is_error
            && text(&result).contains("The call itself succeeded (status 204). It changed nothing.")
    );
    let result = call(
        &promising(&empty.origin, &json!({"type": ["object", "null"]})),
        &json!({}),
    )
    .await;
    assert_eq!((result.is_error, structured(&result)), (false, Some(Value::Null)));
}

#[tokio::test]
async fn compressed_answers_that_nobody_asked_for_are_refused() {
    let server = Server::answering(|seen| {
        assert!(seen.header("accept-encoding").is_none());
        Response::builder()
            .header("content-encoding", "gzip")
            .body("\u{1f}".into())
            .unwrap()
    })
    .await;
    let result = call(&tool(&server.origin, "GET", "/", &json!({})), &json!({})).await;
    assert!(result.outcome == Outcome::BadAnswer && text(&result).contains("gzip content"));
}
