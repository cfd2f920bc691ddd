//! The command, run by a shell, sends exactly what a call sends.

use super::explain;
use crate::{
    calling::{call_text, compile, definition, engine, with},
    credentials::{SECRET, SecretDir},
    upstream::{Seen, Server},
};
use mcp_core::{authoring::explain::Explanation, engine::Engine};
use serde_json::{Value, json};
use std::{
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Text that shells, URLs, forms and JSON all have their troubles with.
const NASTY: &str = "it's \"q\" $HOME `id` \\ % ü \u{1F600} !x & ; <a> #\t\n\r|end";

/// Runs it in a shell that has the variables; fails with what curl says.
async fn run(explanation: &Explanation, secret: &str) {
    let curl = explanation.curl.as_ref().unwrap();
    // From a file, as if pasted: one argument of a program has a bound.
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let script = std::env::temp_dir().join(format!("dynmcp-curl-{}-{number}", std::process::id()));
    std::fs::write(&script, &curl.line).unwrap();
    let mut command = Command::new("sh");
    command.arg(&script).env_remove("CURL_HOME");
    for variable in &curl.variables {
        command.env(&variable.name, secret);
    }
    let done = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    std::fs::remove_file(script).unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{errors}\n{}", curl.line);
}

/// Everything that counts. The boundary of a multipart body is another one in each call.
fn normal(seen: &Seen) -> (String, String, Vec<(String, String)>, Vec<u8>) {
    let boundary = seen
        .header("content-type")
        .and_then(|text| text.split_once("boundary="))
        .map(|(_, boundary)| boundary.to_owned());
    let same = |text: &[u8]| match &boundary {
        None => text.to_vec(),
        // Long enough to be nothing else; files are compared as the bytes they are.
        Some(boundary) => {
            let mut out = Vec::new();
            let mut rest = text;
            while let Some(at) = rest
                .windows(boundary.len())
                .position(|part| part == boundary.as_bytes())
            {
                out.extend_from_slice(&rest[..at]);
                out.extend_from_slice(b"BOUNDARY");
                rest = &rest[at + boundary.len()..];
            }
            out.extend_from_slice(rest);
            out
        }
    };
    let mut headers: Vec<(String, String)> = seen
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8(same(value.as_bytes())).unwrap();
            (name.to_string(), value)
        })
        .collect();
    headers.sort();
    (
        seen.method.clone(),
        same_hex(&seen.target),
        headers,
        same(&seen.body),
    )
}

/// curl encodes keys with `%2f` for `%2F`, which is the same (RFC 3986 section 2.1).
fn same_hex(target: &str) -> String {
    let mut pieces = target.split('%');
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |out, piece| {
        let (hex, rest) = piece.split_at(2);
        out + "%" + &hex.to_uppercase() + rest
    })
}

async fn assert_same(
    engine: &Engine,
    server: &Server,
    method: &str,
    binding: &Value,
    schema: &Value,
    arguments: &str,
) {
    let tool = with(&server.origin, method, "/a/{id}/b[0]?fixed=1", schema, binding);
    let result = call_text(engine, &tool, arguments).await;
    assert!(
        !result.is_error,
        "{binding}: {}",
        String::from_utf8_lossy(&result.content)
    );
    let called = server.take();
    let explanation = explain(engine, &tool, arguments, false).await;
    assert!(server.seen().is_empty(), "explaining sends nothing");
    run(&explanation, SECRET).await;
    let pasted = server.take();
    let line = &explanation.curl.as_ref().unwrap().line;
    assert_eq!(normal(&pasted), normal(&called), "{line}");
    let shown = serde_json::to_string(&explanation).unwrap();
    assert!(!shown.contains(SECRET), "{shown}");
}

#[tokio::test]
async fn the_curl_line_sends_what_a_call_sends() {
    let server = Server::start().await;
    let dir = SecretDir::new("curl");
    let engine = dir.engine();
    let key = dir.reference("token");
    // Only what is used: where the definition says what the body is, every argument needs a place.
    let schema = |arguments: &str| {
        let mut schema: Value = serde_json::from_str(arguments).unwrap();
        for (name, value) in schema.as_object_mut().unwrap() {
            let file = json!({"type": "string", "contentEncoding": "base64"});
            *value = if name == "file" { file } else { json!({}) };
        }
        for name in ["h", "sid"] {
            schema[name] = json!({});
        }
        json!({"type": "object", "properties": schema})
    };
    let header_and_cookie =
        json!([{"name": "h", "in": "header", "as": "X-H"}, {"name": "sid", "in": "cookie"}]);
    let text =
        json!({"id": NASTY, "q": NASTY, "tags": ["a b", "c,d"], "n": 12345678901234567890_u64}).to_string();
    let header = json!({"id": 1, "h": "it's $HOME `id` \"x\" \\!", "sid": "a;b ü"}).to_string();
    let big = json!({"id": 1, "q": "ä'%\\".repeat(40_000)}).to_string();
    let file = json!({"id": 1, "q": NASTY, "file": "AP/+gAo="}).to_string();
    let table = [
        ("GET", json!({}), &text),
        ("DELETE", json!({}), &text),
        ("HEAD", json!({}), &text),
        ("OPTIONS", json!({}), &text),
        ("POST", json!({}), &text),
        ("PATCH", json!({"params": header_and_cookie}), &header),
        ("GET", json!({"params": header_and_cookie}), &header),
        (
            "GET",
            json!({"params": header_and_cookie}),
            &json!({"id": 1, "h": ""}).to_string(),
        ),
        ("POST", json!({"body": {"mode": "form"}}), &text),
        ("POST", json!({"body": {"mode": "multipart"}}), &text),
        (
            "POST",
            json!({"body": {"parts": [{"name": "file", "filename": "a \"b\".bin"}]}}),
            &file,
        ),
        (
            "PUT",
            json!({"body": {"mode": "raw", "root": "/file"}}),
            &json!({"id": 1, "file": "AP/+gAo="}).to_string(),
        ),
        (
            "PUT",
            json!({"body": {"mode": "raw", "root": "/q"}}),
            &json!({"id": 1, "q": "@/etc/passwd"}).to_string(),
        ),
        (
            "PUT",
            json!({"body": {"mode": "raw", "root": "/q"}}),
            &json!({"id": 1, "q": "-n %s"}).to_string(),
        ),
        (
            "PUT",
            json!({"body": {"mode": "raw", "root": "/q"}}),
            &json!({"id": 1, "q": "-\u{0}\r"}).to_string(),
        ),
        ("POST", json!({}), &big),
        (
            "POST",
            json!({"body": {"mode": "none"}}),
            &json!({"id": 1}).to_string(),
        ),
        (
            "GET",
            json!({"response": {"compressed": true}}),
            &json!({"id": 1}).to_string(),
        ),
        (
            "GET",
            json!({"auth": {"type": "bearer", "credential": key}}),
            &text,
        ),
        (
            "GET",
            json!({"auth": {"type": "api_key", "credential": key, "name": "X-Own", "prefix": "a\"$b "}}),
            &text,
        ),
        (
            "POST",
            json!({"auth": {"type": "basic", "username": "a!nn's", "password": key}}),
            &text,
        ),
        (
            "GET",
            json!({"auth": {"type": "api_key", "credential": key, "in": "query", "name": "my key"}}),
            &text,
        ),
        (
            "POST",
            json!({"auth": {"type": "api_key", "credential": key, "in": "cookie", "name": "s"}}),
            &text,
        ),
        (
            "GET",
            json!({"params": header_and_cookie, "auth": {"type": "api_key", "credential": key, "in": "cookie", "name": "s"}}),
            &header,
        ),
    ];
    for (method, binding, arguments) in table {
        let mut schema = schema(arguments);
        if binding.to_string().contains("root") {
            let properties = schema["properties"].as_object_mut().unwrap();
            properties.retain(|name, _| name != "h" && name != "sid");
        }
        assert_same(&engine, &server, method, &binding, &schema, arguments).await;
    }
}

#[tokio::test]
async fn the_curl_line_makes_the_same_connection() {
    let binding = json!({
        "base_url": "https://ledger.internal/v1", "method": "GET", "path": "/entries/{entry}", "connect_timeout_ms": 1000,
        "tls": {
            "ca": "${file:/run/secrets/dynmcp/ledger-ca.pem}",
            "certificate": "${file:/run/secrets/dynmcp/ledger-client.pem}",
            "key": "${file:/run/secrets/dynmcp/ledger-client.key}",
        },
        "proxy": {"url": "http://proxy.corp:3128", "username": "dynmcp", "password": "${file:/run/secrets/dynmcp/proxy-password}"},
    });
    let schema = json!({"type": "object", "properties": {"entry": {"type": "string"}}});
    let (tool, _) = compile(&definition(&schema, &binding)).unwrap();
    let explanation = explain(&engine(), &tool, r#"{"entry":"1"}"#, false).await;
    let curl = explanation.curl.unwrap();
    for option in [
        "--cacert /run/secrets/dynmcp/ledger-ca.pem",
        "--cert /run/secrets/dynmcp/ledger-client.pem",
        "--key /run/secrets/dynmcp/ledger-client.key",
        "--proxy http://proxy.corp:3128",
        "--proxy-user \"dynmcp:$PROXY_PASSWORD\"",
        "--connect-timeout 1",
    ] {
        assert!(curl.line.contains(option), "{option}: {}", curl.line);
    }
    assert_eq!(
        curl.variables[0].from,
        "${file:/run/secrets/dynmcp/proxy-password}"
    );
    assert_eq!(curl.note, None);
    let egress = explanation.egress.unwrap();
    assert_eq!(egress.allowed, Some(false));
    assert!(egress.reason.unwrap().contains("egress.proxies"));
}

#[tokio::test]
async fn the_curl_line_wants_the_name_that_the_definition_says_in_the_certificate() {
    use crate::tls_server::{Authority, BOTH, TlsServer};
    let authority = Authority::new();
    let (seen, asked) = std::sync::mpsc::channel();
    let seen = std::sync::Mutex::new(seen);
    let config = authority.server_config("orders.internal", BOTH, None);
    let server = TlsServer::answering(config, move |request, _| {
        let host = request
            .headers()
            .get("host")
            .map(|host| host.to_str().unwrap().to_owned());
        let host = host.or_else(|| request.uri().authority().map(ToString::to_string));
        let path = request.uri().path_and_query().unwrap().to_string();
        seen.lock().unwrap().send((host.unwrap(), path)).unwrap();
        http::Response::new("{}".into())
    })
    .await;
    let dir = tempfile::TempDir::new().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let engine = crate::tls::with_secrets(&dir);
    let tls = json!({"ca": format!("${{file:{}}}", ca.display()), "server_name": "orders.internal"});
    let tool = with(&server.origin, "GET", "/a/{id}", &json!({}), &json!({"tls": tls}));
    let result = call_text(&engine, &tool, r#"{"id":"1","q":"x"}"#).await;
    assert!(!result.is_error, "{}", crate::calling::text(&result));
    let called = asked.recv().unwrap();
    assert_eq!(called, (server.host().to_owned(), "/a/1?q=x".to_owned()));
    let explanation = explain(&engine, &tool, r#"{"id":"1","q":"x"}"#, false).await;
    run(&explanation, "").await;
    assert_eq!(asked.recv().unwrap(), called);
}

#[tokio::test]
async fn keys_in_plain_text_are_hidden_and_stand_as_variables() {
    let server = Server::start().await;
    let engine = crate::calling::engine();
    let binding = json!({
        "headers": {"Authorization": format!("Bearer {SECRET}"), "Cookie": format!("sid={SECRET}")},
        "query": {"api_key": SECRET},
        "params": [{"name": "k", "in": "header", "as": "X-API-Key", "const": SECRET, "hidden": true}]
    });
    let tool = with(&server.origin, "GET", "/x", &json!({}), &binding);
    let explanation = explain(&engine, &tool, "{}", false).await;
    let shown = serde_json::to_string(&explanation).unwrap() + &explanation.to_string();
    assert!(!shown.contains("s3cr3t"), "{shown}");
    let names: Vec<&str> = explanation
        .curl
        .as_ref()
        .unwrap()
        .variables
        .iter()
        .map(|v| v.name.as_str())
        .collect();
    assert_eq!(names, ["API_KEY", "AUTHORIZATION", "SID", "X_API_KEY"]);
    run(&explanation, "zzz").await;
    let seen = server.take();
    assert_eq!(seen.target, "/x?api_key=zzz");
    assert_eq!(seen.header("authorization"), Some("Bearer zzz"));
    assert_eq!(
        (seen.header("cookie"), seen.header("x-api-key")),
        (Some("sid=zzz"), Some("zzz"))
    );
}

#[tokio::test]
async fn a_body_that_is_too_long_for_a_line_is_left_to_a_file() {
    let server = Server::start().await;
    let binding = json!({"limits": {"max_request_bytes": "4MiB"}});
    let tool = with(&server.origin, "POST", "/x", &json!({}), &binding);
    let arguments = json!({"a": "x".repeat(2 << 20)}).to_string();
    let explanation = explain(&crate::calling::engine(), &tool, &arguments, false).await;
    assert!(explanation.valid);
    let curl = explanation.curl.as_ref().unwrap();
    assert!(curl.line.contains("--data-binary @body.bin"), "{}", curl.line);
    assert!(
        curl.note.as_ref().unwrap().contains("2097160 bytes"),
        "{:?}",
        curl.note
    );
    let body = explanation.request.as_ref().unwrap().body.as_ref().unwrap();
    assert!(body.truncated && body.bytes == 2_097_160 && body.text.as_ref().unwrap().len() < 40_000);
    assert!(serde_json::to_string(&explanation).unwrap().len() < 100_000);
}

#[tokio::test]
async fn a_connection_of_its_own_is_told_to_curl_too() {
    let binding = json!({
        "tls": {"ca": "${file:/etc/ca.pem}", "certificate": "${file:/etc/own.pem}", "key": "${env:OWN_KEY}", "server_name": "inner"},
        "proxy": {"url": "http://proxy.corp:3128", "username": "ann", "password": "${env:PROXY_PASSWORD}"},
        "connect_timeout_ms": 700
    });
    let tool = with("https://api.example.com", "GET", "/x", &json!({}), &binding);
    let explanation = explain(&crate::calling::engine(), &tool, "{}", false).await;
    let curl = explanation.curl.unwrap();
    for option in [
        "--cacert /etc/ca.pem",
        "--cert /etc/own.pem",
        "--key key.pem",
        "--proxy http://proxy.corp:3128",
        "--proxy-user \"ann:$PROXY_PASSWORD\"",
    ] {
        assert!(curl.line.contains(option), "{}", curl.line);
    }
    assert_eq!(curl.variables[0].from, "${env:PROXY_PASSWORD}");
    assert_eq!(curl.note.as_deref(), Some("put ${env:OWN_KEY} into key.pem"));
    assert!(curl.line.starts_with("curl https://inner/x "), "{}", curl.line);
    for option in [
        "--connect-to inner:443:api.example.com:443",
        "-H 'Host: api.example.com'",
    ] {
        assert!(curl.line.contains(option), "{option}: {}", curl.line);
    }
    let mut other = binding;
    other["tls"]["server_name"] = json!("2001:db8::1");
    let tool = with("https://[::1]:8443", "GET", "/x?a=b", &json!({}), &other);
    let line = explain(&crate::calling::engine(), &tool, "{}", false)
        .await
        .curl
        .unwrap()
        .line;
    assert!(
        line.starts_with("curl -g 'https://[2001:db8::1]:8443/x?a=b'"),
        "{line}"
    );
    assert!(
        line.contains("--connect-to '[2001:db8::1]:8443:[::1]:8443'"),
        "{line}"
    );
    assert_eq!(explanation.limits.unwrap().connect_timeout_ms.value, 700);
    assert_eq!(
        explanation.egress.unwrap().allowed,
        Some(false),
        "no proxy is allowed here"
    );
}
