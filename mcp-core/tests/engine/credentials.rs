//! What the gateway shows to upstreams, and that nobody else sees it.

use crate::{
    calling::{compile, definition, text, with},
    upstream::Server,
};
use http::{HeaderMap, Response};
use mcp_common::{authenticator::Principal, definition::ToolDefinition, document::Document};
use mcp_core::{
    engine::{CallContext, CallResult, Engine, EngineServices, EngineSettings, Outcome},
    secrets::{SecretSettings, Secrets},
    tool::{CompiledTool, InstanceNames, ToolCompiler},
};
use serde_json::{Value, json, value::RawValue};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

pub(crate) const SECRET: &str = "s3cr3t/+=";

/// A directory with secrets, gone when dropped.
pub(crate) struct SecretDir(PathBuf);

impl SecretDir {
    pub(crate) fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("dynmcp-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("token"), format!("{SECRET}\n")).unwrap();
        Self(dir)
    }

    pub(crate) fn reference(&self, name: &str) -> String {
        format!("${{file:{}}}", self.0.join(name).display())
    }

    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::new(SecretSettings {
            allow_env: vec!["CARGO_PKG_NAME".into(), "DYNMCP_SECRET_*".into()],
            file_dirs: vec![self.0.clone()],
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::new(
            EngineSettings::default(),
            EngineServices {
                secrets: self.secrets(),
                ..EngineServices::default()
            },
        )
    }
}

impl Drop for SecretDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn call(engine: &Engine, tool: &CompiledTool, headers: Option<&HeaderMap>) -> CallResult {
    let arguments = RawValue::from_string("{}".to_owned()).unwrap();
    let context = CallContext {
        instance: &InstanceNames::id_only("i"),
        principal: &Principal::anonymous(),
        arguments: Some(&arguments),
        headers,
    };
    engine.call(tool, context).await
}

fn authorized(origin: &str, path: &str, auth: &Value) -> CompiledTool {
    with(origin, "GET", path, &json!({}), &json!({"auth": auth}))
}

#[tokio::test]
async fn keys_passwords_and_tokens_are_put_where_they_belong() {
    let dir = SecretDir::new("places");
    let engine = dir.engine();
    let server = Server::start().await;
    let key = dir.reference("token");
    let header = |name: &'static str, value: &str| (name, Some(value.to_owned()));
    let table = [
        (json!({"type": "none"}), "/x", ("authorization", None)),
        (
            json!({"type": "api_key", "credential": key}),
            "/x",
            header("x-api-key", SECRET),
        ),
        (
            json!({"type": "api_key", "credential": key, "name": "Authorization", "prefix": "Key "}),
            "/x",
            header("authorization", "Key s3cr3t/+="),
        ),
        (
            json!({"type": "bearer", "credential": key}),
            "/x",
            header("authorization", "Bearer s3cr3t/+="),
        ),
        (
            json!({"type": "bearer", "credential": "${env:CARGO_PKG_NAME}"}),
            "/x",
            header("authorization", "Bearer mcp-core"),
        ),
        (
            json!({"type": "basic", "username": "ann", "password": key}),
            "/x",
            header("authorization", "Basic YW5uOnMzY3IzdC8rPQ=="),
        ),
        (
            json!({"type": "api_key", "credential": key, "in": "cookie", "name": "sid"}),
            "/x",
            header("cookie", "sid=s3cr3t/+="),
        ),
    ];
    for (auth, path, (name, value)) in table {
        let result = call(&engine, &authorized(&server.origin, path, &auth), None).await;
        assert!(!result.is_error, "{auth}: {}", text(&result));
        assert_eq!(server.take().header(name), value.as_deref(), "{auth}");
    }
    let in_query = json!({"type": "api_key", "credential": key, "in": "query", "name": "k"});
    for (path, target) in [
        ("/x", "/x?k=s3cr3t%2F%2B%3D"),
        ("/x?a=1", "/x?a=1&k=s3cr3t%2F%2B%3D"),
    ] {
        call(&engine, &authorized(&server.origin, path, &in_query), None).await;
        assert_eq!(server.take().target, target);
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_or_forbidden_fails_the_call_and_nothing_is_sent() {
    let dir = SecretDir::new("missing");
    let engine = dir.engine();
    let server = Server::start().await;
    for (credential, expected) in [
        (
            "${env:DYNMCP_SECRET_IS_NOT_SET}".to_owned(),
            "${env:DYNMCP_SECRET_IS_NOT_SET} is not set",
        ),
        ("${env:APP__APP__API_KEY}".to_owned(), "secrets.allow_env"),
        ("${env:PATH}".to_owned(), "secrets.allow_env"),
        ("${file:/etc/passwd}".to_owned(), "secrets.file_dir"),
        (dir.reference("nothing"), "cannot be read"),
    ] {
        let tool = authorized(
            &server.origin,
            "/x",
            &json!({"type": "bearer", "credential": credential}),
        );
        let result = call(&engine, &tool, None).await;
        assert!(result.is_error && result.outcome == Outcome::Refused);
        assert!(
            text(&result).contains(expected) && text(&result).contains("nothing was sent"),
            "{}",
            text(&result)
        );
    }
    assert!(server.seen().is_empty());
}

#[test]
fn a_missing_secret_is_a_warning_when_the_definition_is_written() {
    let binding = json!({"domain": "a", "method": "GET", "path": "/", "auth": {"type": "bearer", "credential": "${env:DYNMCP_SECRET_IS_NOT_SET}"}});
    let document = definition(&json!({}), &binding).to_string();
    let document = Document::parse(document.as_bytes()).unwrap();
    let read = ToolDefinition::read("t1", &document).unwrap();
    let compiled = ToolCompiler::default()
        .with_secrets(Secrets::default())
        .compile(&read.definition)
        .unwrap();
    let expected = "tds_ext_info.auth: ${env:DYNMCP_SECRET_IS_NOT_SET} is not set where the gateway runs; until it is there, calls fail";
    assert_eq!(compiled.warnings, [expected]);
}

#[test]
fn definitions_carry_references_never_secrets() {
    let table = [
        (
            json!({"type": "bearer", "credential": SECRET}),
            "must be a reference",
        ),
        (
            json!({"type": "basic", "username": "a", "password": SECRET}),
            "must be a reference",
        ),
        (json!({"type": "bearer"}), "missing field `credential`"),
        (json!({"type": "aws_sigv4"}), "missing field `access_key`"),
        (json!({"type": "kerberos"}), "unknown variant `kerberos`"),
        (
            json!({"type": "bearer", "credential": "${env:A}", "on_missing": "skip"}),
            "unknown variant `skip`",
        ),
        (
            json!({"type": "bearer", "credential": "${env:A}", "tokn": 1}),
            "unknown field `tokn`",
        ),
        (
            json!({"type": "passthrough", "header": "Authorization"}),
            "never passed on",
        ),
        (
            json!({"type": "passthrough", "header": "x-api-key"}),
            "never passed on",
        ),
        (
            json!({"type": "api_key", "credential": "${env:A}", "name": "X-Taken"}),
            "is given elsewhere",
        ),
        (
            json!({"type": "oauth2_client_credentials", "token_url": "ftp://x", "client_id": "i", "client_secret": "${env:A}"}),
            "auth.token_url",
        ),
    ];
    for (auth, expected) in table {
        let binding =
            json!({"domain": "a", "method": "GET", "path": "/", "auth": auth, "headers": {"X-Taken": "1"}});
        let reason = compile(&definition(&json!({}), &binding)).unwrap_err();
        assert!(
            reason.starts_with("tds_ext_info.auth") && reason.contains(expected),
            "{auth}: {reason}"
        );
        assert!(!reason.contains(SECRET), "{reason}");
        let is_said = reason.contains("must be a reference");
        assert_eq!(
            is_said,
            auth.to_string().contains(SECRET),
            "nobody wrote one: {reason}"
        );
    }
}

#[tokio::test]
async fn only_the_named_header_of_the_client_is_passed_on() {
    let server = Server::start().await;
    let engine = Engine::default();
    let tool = authorized(
        &server.origin,
        "/x",
        &json!({"type": "passthrough", "header": "X-Upstream-Authorization"}),
    );
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer gateway-key".parse().unwrap());
    headers.insert("x-other", "1".parse().unwrap());
    let result = call(&engine, &tool, Some(&headers)).await;
    assert!(result.is_error && text(&result).contains("x-upstream-authorization"));
    assert!(server.seen().is_empty());
    headers.insert("x-upstream-authorization", "Bearer mine".parse().unwrap());
    call(&engine, &tool, Some(&headers)).await;
    let seen = server.take();
    assert_eq!(seen.header("authorization"), Some("Bearer mine"));
    assert!(seen.header("x-upstream-authorization").is_none() && seen.header("x-other").is_none());
}

/// A token endpoint at `/token` that counts, and an API that takes the newest token only.
async fn token_server(expires_in: u64) -> (Server, Arc<AtomicUsize>) {
    let tokens = Arc::new(AtomicUsize::new(0));
    let issued = tokens.clone();
    let server = Server::answering(move |seen| {
        let answer = |status: u16, body: Value| {
            let response = Response::builder().status(status).header("content-type", "application/json");
            response.body(body.to_string().into()).unwrap()
        };
        if seen.path() == "/token" {
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            return answer(200, json!({"access_token": format!("t{number}"), "token_type": "Bearer", "expires_in": expires_in}));
        }
        let newest = format!("Bearer t{}", issued.load(Ordering::SeqCst));
        match seen.header("authorization") {
            Some(token) if token == newest => answer(200, json!({"token": token})),
            _ => answer(401, json!({"error": "old token"})),
        }
    })
    .await;
    (server, tokens)
}

fn client_credentials(server: &Server, dir: &SecretDir) -> Value {
    json!({"type": "oauth2_client_credentials", "token_url": format!("{}/token", server.origin), "client_id": "the client",
        "client_secret": dir.reference("token"), "scopes": ["a", "b"], "audience": "urn:x"})
}

#[tokio::test]
async fn a_token_is_asked_for_once_however_many_calls_wait() {
    let dir = SecretDir::new("once");
    let (server, tokens) = token_server(3600).await;
    let engine = dir.engine();
    let tool = authorized(&server.origin, "/api", &client_credentials(&server, &dir));
    let calls: Vec<_> = (0..20).map(|_| call(&engine, &tool, None)).collect();
    for result in futures_util::future::join_all(calls).await {
        assert!(!result.is_error, "{}", text(&result));
    }
    assert_eq!(tokens.load(Ordering::SeqCst), 1);
    let asked = server
        .seen()
        .into_iter()
        .find(|seen| seen.path() == "/token")
        .unwrap();
    assert_eq!(
        asked.text(),
        "grant_type=client_credentials&scope=a%20b&audience=urn%3Ax"
    );
    // RFC 6749 section 2.3.1: "the client" and the secret form-encoded, then base64.
    assert_eq!(
        asked.header("authorization"),
        Some("Basic dGhlJTIwY2xpZW50OnMzY3IzdCUyRiUyQiUzRA==")
    );
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_one_near_its_end_renewed() {
    let dir = SecretDir::new("replaced");
    let (server, tokens) = token_server(3600).await;
    let engine = dir.engine();
    let tool = authorized(&server.origin, "/api", &client_credentials(&server, &dir));
    assert!(!call(&engine, &tool, None).await.is_error);
    // The server forgets the first token.
    tokens.fetch_add(1, Ordering::SeqCst);
    let result = call(&engine, &tool, None).await;
    assert!(
        !result.is_error && text(&result).contains("t3"),
        "{}",
        text(&result)
    );
    assert_eq!(tokens.load(Ordering::SeqCst), 3);

    let (short, tokens) = token_server(0).await;
    let tool = authorized(&short.origin, "/api", &client_credentials(&short, &dir));
    for expected in 1..=3 {
        assert!(!call(&engine, &tool, None).await.is_error);
        assert_eq!(tokens.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test]
async fn a_token_endpoint_that_refuses_is_named_and_the_secret_is_not() {
    let dir = SecretDir::new("refusing");
    let server = Server::fixed(
        401,
        "application/json",
        json!({"error": "invalid_client", "error_description": format!("wrong {SECRET}")}).to_string(),
    )
    .await;
    let mut auth = client_credentials(&server, &dir);
    auth["client_auth"] = json!("body");
    let tool = authorized(&server.origin, "/api", &auth);
    assert!(!format!("{tool:?}").contains(SECRET));
    let result = call(&dir.engine(), &tool, None).await;
    let said = text(&result);
    assert!(
        result.is_error && said.contains("answered 401 invalid_client wrong [redacted]"),
        "{said}"
    );
    let asked = server.take();
    assert!(
        asked
            .text()
            .contains("client_id=the%20client&client_secret=s3cr3t%2F%2B%3D")
    );
    assert_eq!(asked.header("authorization"), None);
}
