//! Multipart bodies, read by a parser that is not ours.

use crate::{
    calling::{call_text, engine, text, with},
    upstream::{Seen, Server},
};
use mcp_core::engine::Outcome;
use serde_json::json;

/// A part as the parser sees it: name, file name, content type, the header `x-part`, content.
pub(crate) type Parsed = (String, Option<String>, Option<String>, Option<String>, Vec<u8>);

pub(crate) async fn parse(seen: &Seen) -> Vec<Parsed> {
    let boundary = multer::parse_boundary(seen.header("content-type").unwrap()).unwrap();
    let body = seen.body.clone();
    let stream = futures_util::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let mut multipart = multer::Multipart::new(stream, boundary);
    let mut parts = Vec::new();
    while let Some(field) = multipart.next_field().await.unwrap() {
        let name = field.name().unwrap_or_default().to_owned();
        let filename = field.file_name().map(str::to_owned);
        let header = |name: &str| {
            let value = field.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let (content_type, own) = (header("content-type"), header("x-part"));
        parts.push((
            name,
            filename,
            content_type,
            own,
            field.bytes().await.unwrap().to_vec(),
        ));
    }
    parts
}

fn part(
    name: &str,
    filename: Option<&str>,
    content_type: Option<&str>,
    own: Option<&str>,
    content: &[u8],
) -> Parsed {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    (
        name.to_owned(),
        owned(filename),
        owned(content_type),
        owned(own),
        content.to_vec(),
    )
}

#[tokio::test]
async fn texts_files_lists_and_headers_arrive_as_parts() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {
        "title": {"type": "string"}, "meta": {"type": "object"}, "tags": {"type": "array"}, "deep": {"type": "object"}, "comma": {},
        "document": {"type": "string", "contentEncoding": "base64"}, "filename": {"type": "string"}, "id": {},
        "photos": {"type": "array", "items": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}},
        "names": {"type": "array"}, "log": {"type": "string"}
    }});
    let more = json!({"body": {
        "parts": [
            {"name": "file", "from": "/document", "filename": "{{ args.filename }}", "content_type": "application/pdf", "max_bytes": "1KiB", "headers": {"X-Part": "doc-{{ args.id }}"}},
            {"name": "photo", "from": "/photos", "filename": "{{ args.names }}", "content_type": "image/png"},
            {"name": "log", "source": "text", "filename": "a.log", "content_type": "text/plain"}
        ],
        "encoding": {"deep": {"style": "deepObject"}, "comma": {"style": "form", "explode": false, "headers": {"X-Part": "c"}}, "meta": {"contentType": "application/merge-patch+json"}}
    }});
    let tool = with(&server.origin, "POST", "/x", &schema, &more);
    let arguments = json!({
        "title": "a \"b\"\r\nü", "meta": {"k": 1.5}, "tags": ["x", {"y": 1}, null], "deep": {"a": {"b": "c&d"}}, "comma": ["p,q", "r"],
        "document": "AP8N", "filename": "ü\"\r\nX-Evil: 1.pdf", "id": 7, "photos": ["AA==", "AQ=="], "names": ["1.png"], "log": "--\r\nline"
    });
    let result = call_text(&engine(), &tool, &arguments.to_string()).await;
    assert!(!result.is_error, "{}", text(&result));
    let seen = server.take();
    assert!(
        seen.header("content-type")
            .unwrap()
            .starts_with("multipart/form-data; boundary=dynmcp-")
    );
    let expected = [
        part("title", None, None, None, "a \"b\"\r\nü".as_bytes()),
        part(
            "meta",
            None,
            Some("application/merge-patch+json"),
            None,
            br#"{"k":1.5}"#,
        ),
        part("tags", None, None, None, b"x"),
        part("tags", None, Some("application/json"), None, br#"{"y":1}"#),
        part("deep[a][b]", None, None, None, b"c&d"),
        part("comma", None, None, Some("c"), b"p,q,r"),
        part(
            "file",
            Some("ü%22%0D%0AX-Evil: 1.pdf"),
            Some("application/pdf"),
            Some("doc-7"),
            &[0, 255, 13],
        ),
        part("photo", Some("1.png"), Some("image/png"), None, &[0]),
        part("photo", Some("photo-2"), Some("image/png"), None, &[1]),
        part("log", Some("a.log"), Some("text/plain"), None, b"--\r\nline"),
    ];
    assert_eq!(parse(&seen).await, expected);
}

#[tokio::test]
async fn a_file_that_is_not_there_too_large_or_no_file_is_no_part() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"f": {}, "name": {"type": "string"}}});
    let more = json!({"body": {"parts": [{"name": "f", "source": "base64", "max_bytes": 3}]}});
    let tool = with(&server.origin, "POST", "/x", &schema, &more);
    for (arguments, reason) in [
        (json!({"f": "AAAAAA=="}), "/f: has 4 bytes, at most 3 are allowed"),
        (
            json!({"f": "A".repeat(90_000)}),
            "/f: has 67500 bytes, at most 3 are allowed",
        ),
        (json!({"f": ["AAAA", "*"]}), "/f/1: is not base64"),
        (json!({"f": 5}), "/f: must be a text: bytes, written in base64"),
        (json!({"f": {"a": "AAAA"}}), "/f: must be a text"),
        (json!({"f": "data:image/png;base64,AAAA"}), "without `data:"),
    ] {
        let result = call_text(&engine(), &tool, &arguments.to_string()).await;
        assert_eq!(result.outcome, Outcome::InvalidArguments);
        assert!(text(&result).contains(reason), "{}", text(&result));
    }
    assert!(server.seen().is_empty());
    for arguments in [
        json!({"name": "n"}),
        json!({"name": "n", "f": null}),
        json!({"name": "n", "f": []}),
    ] {
        call_text(&engine(), &tool, &arguments.to_string()).await;
        assert_eq!(
            parse(&server.take()).await,
            [part("name", None, None, None, b"n")],
            "{arguments}"
        );
    }
    call_text(&engine(), &tool, "{}").await;
    let seen = server.take();
    assert_eq!(
        (
            seen.text(),
            seen.header("content-length"),
            seen.header("content-type")
        ),
        ("", Some("0"), None)
    );
}

#[tokio::test]
async fn a_file_bound_widens_the_requests_bound_unless_the_definition_sets_one() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"f": {}}});
    let file = json!({"f": "A".repeat(4 << 20)}).to_string();
    let parts = json!({"parts": [{"name": "f", "source": "base64", "max_bytes": "3MiB"}]});
    let tool = with(&server.origin, "POST", "/x", &schema, &json!({"body": parts}));
    assert!(!call_text(&engine(), &tool, &file).await.is_error);
    assert_eq!(parse(&server.take()).await[0].4.len(), 3 << 20);
    let tool = with(
        &server.origin,
        "POST",
        "/x",
        &schema,
        &json!({"body": parts, "limits": {"max_request_bytes": "1MiB"}}),
    );
    assert_eq!(
        call_text(&engine(), &tool, &file).await.outcome,
        Outcome::TooLarge
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn grouped_arguments_and_places_make_parts_too() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"body": {"type": "object", "properties": {
        "file": {"type": "string", "contentEncoding": "base64"}, "note": {"type": "string"}, "size": {}
    }}}});
    let more = json!({"body": {"parts": [{"name": "file"}]}, "params": [{"name": "size", "in": "body", "as": "/meta/size"}, {"name": "v", "in": "body", "const": 2}]});
    let tool = with(&server.origin, "PUT", "/x", &schema, &more);
    let result = call_text(
        &engine(),
        &tool,
        r#"{"body":{"file":"AA==","note":"n","size":1.10}}"#,
    )
    .await;
    assert!(!result.is_error, "{}", text(&result));
    let expected = [
        part("meta", None, Some("application/json"), None, br#"{"size":1.10}"#),
        part("v", None, None, None, b"2"),
        part("note", None, None, None, b"n"),
        part("file", Some("file"), Some("application/octet-stream"), None, &[0]),
    ];
    assert_eq!(parse(&server.take()).await, expected);
}
