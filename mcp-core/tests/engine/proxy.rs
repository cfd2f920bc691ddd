//! Calls that lead through a forward proxy.

use crate::{
    calling::{call_text, compile, definition, engine, text, with},
    forward_proxy::ForwardProxy,
    tls_server::{Authority, BOTH, TlsServer},
    upstream::{Server, serve},
};
use mcp_common::{definition::ToolDefinition, document::Document};
use mcp_core::{
    egress::EgressSettings,
    engine::{Engine, EngineServices, EngineSettings, Outcome},
    secrets::{SecretSettings, Secrets},
    tool::ToolCompiler,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn engine_with(egress: EgressSettings, secrets: Secrets) -> Engine {
    let settings = EngineSettings {
        egress,
        ..EngineSettings::default()
    };
    let services = EngineServices {
        secrets,
        ..EngineServices::default()
    };
    Engine::new(settings, services)
}

fn allowing(proxies: &[&str]) -> EgressSettings {
    EgressSettings {
        proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
        ..EgressSettings::default()
    }
}

/// The origin, with a name that only a proxy could resolve.
fn elsewhere(origin: &str) -> String {
    let (scheme, authority) = origin.split_once("://").unwrap();
    format!(
        "{scheme}://orders.internal:{}",
        authority.rsplit(':').next().unwrap()
    )
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_http_with_its_whole_url() {
    let proxy = ForwardProxy::start(None).await;
    let engine = engine_with(allowing(&[&proxy.address]), Secrets::default());
    let authority = Authority::new();
    let server = TlsServer::start(authority.server_config("orders.internal", BOTH, None)).await;
    let more = json!({"tls": {"ca": authority.pem()}, "proxy": proxy.address});
    let tool = with(&elsewhere(&server.origin), "GET", "/a", &json!({}), &more);
    let host = elsewhere(&server.origin).replace("https://", "");
    for _ in 0..2 {
        let result = call_text(&engine, &tool, "{}").await;
        assert_eq!(text(&result), format!("HTTP/2.0 {host} /a"));
    }
    assert_eq!(
        proxy.take(),
        [format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n")],
        "one tunnel, and nothing of the request in its head"
    );

    let server = Server::start().await;
    let origin = elsewhere(&server.origin);
    let tool = with(&origin, "GET", "/b", &json!({}), &json!({"proxy": proxy.address}));
    for _ in 0..2 {
        assert_eq!(text(&call_text(&engine, &tool, r#"{"q":"x y"}"#).await), "{}");
    }
    let heads = proxy.take();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(
        heads[0].starts_with(&format!("GET {origin}/b?q=x%20y HTTP/1.1\r\n")),
        "{}",
        heads[0]
    );
    let seen = server.seen();
    assert_eq!(
        seen[0].header("host"),
        Some(origin.strip_prefix("http://").unwrap())
    );

    // A tool of the same upstream without a proxy has no part in these connections.
    let direct = with(&origin, "GET", "/b", &json!({}), &json!({}));
    let result = call_text(&engine, &direct, "{}").await;
    assert!(text(&result).contains("cannot be resolved"), "{}", text(&result));
    assert!(proxy.take().is_empty());
}

#[tokio::test]
async fn credentials_are_for_the_proxy_alone() {
    let proxy = ForwardProxy::start(Some("Basic YWRhOnMzY3IzdA==")).await;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "s3cr3t\n").unwrap();
    let secrets = Secrets::new(SecretSettings {
        file_dirs: vec![dir.path().to_owned()],
        ..SecretSettings::default()
    });
    let engine = engine_with(allowing(&[&proxy.address]), secrets);
    let login =
        json!({"url": proxy.address, "username": "ada", "password": format!("${{file:{}}}", path.display())});

    let authority = Authority::new();
    let secure = TlsServer::answering(authority.server_config("localhost", BOTH, None), |request, _| {
        let count = request
            .headers()
            .keys()
            .filter(|name| name.as_str().starts_with("proxy-"))
            .count();
        http::Response::new(format!("{{\"proxy headers\":{count}}}").into())
    })
    .await;
    let plain = Server::start().await;
    for proxied in [&json!(proxy.address), &login] {
        let tls = json!({"tls": {"ca": authority.pem()}, "proxy": proxied});
        let tools = [
            with(&secure.origin, "GET", "/", &json!({}), &tls),
            with(&plain.origin, "GET", "/", &json!({}), &json!({"proxy": proxied})),
        ];
        for tool in &tools {
            let result = call_text(&engine, tool, "{}").await;
            let said = text(&result);
            if proxied.is_string() {
                assert_eq!(result.outcome, Outcome::Refused, "{said}");
                assert_eq!(
                    said,
                    format!(
                        "The proxy {} asks for other credentials (status 407).",
                        proxy.address
                    )
                );
            } else {
                assert!(!result.is_error, "{said}");
                assert!(
                    !said.contains("proxy headers") || said.contains("\"proxy headers\":0"),
                    "{said}"
                );
            }
        }
    }
}

#[tokio::test]
async fn only_proxies_that_the_operator_names_are_used() {
    let proxy = ForwardProxy::start(None).await;
    let server = Server::start().await;
    let more = json!({"proxy": proxy.address.replace("http://", "HTTP://")});
    let tool = with(&server.origin, "GET", "/", &json!({}), &more);
    let result = call_text(&engine(), &tool, "{}").await;
    assert_eq!(result.outcome, Outcome::Refused);
    assert!(text(&result).contains("`egress.proxies`"), "{}", text(&result));
    assert!(server.seen().is_empty() && proxy.take().is_empty());
    let engine = engine_with(allowing(&[&proxy.address]), Secrets::default());
    assert_eq!(text(&call_text(&engine, &tool, "{}").await), "{}");

    // Said when the definition is written.
    let binding = json!({"domain": server.origin, "method": "GET", "path": "/", "proxy": proxy.address});
    let document = Document::parse(definition(&json!({}), &binding).to_string().as_bytes()).unwrap();
    let definition = ToolDefinition::read("t", &document).unwrap().definition;
    let warnings = |proxies: Vec<_>| {
        let compiler = ToolCompiler::default().with_proxies(proxies);
        compiler.compile(&definition).unwrap().warnings
    };
    assert!(warnings(vec![proxy.address.parse().unwrap()]).is_empty());
    let said = warnings(Vec::new()).join("");
    assert!(
        said.starts_with("tds_ext_info.proxy: http://127.0.0.1:"),
        "{said}"
    );
}

#[tokio::test]
async fn egress_rules_hold_for_what_is_asked_of_a_proxy() {
    let proxy = ForwardProxy::start(None).await;
    let egress = EgressSettings {
        allow_loopback: false,
        allow_private: false,
        deny: vec!["*.bad.example".parse().unwrap()],
        ..allowing(&[&proxy.address])
    };
    let engine = engine_with(egress, Secrets::default());
    for (host, expected) in [
        ("http://169.254.169.254", "link-local or cloud metadata"),
        ("http://metadata.google.internal", "link-local or cloud metadata"),
        ("http://0x7f000001", "egress.allow_loopback"),
        ("http://localhost", "egress.allow_loopback"),
        ("https://10.0.0.1", "egress.allow_private"),
        ("https://a.bad.example", "egress.deny"),
    ] {
        let tool = with(host, "GET", "/", &json!({}), &json!({"proxy": proxy.address}));
        let result = call_text(&engine, &tool, "{}").await;
        assert_eq!(result.outcome, Outcome::Refused, "{host}: {}", text(&result));
        assert!(text(&result).contains(expected), "{host}: {}", text(&result));
    }
    assert!(proxy.take().is_empty(), "the proxy was asked");
}

#[tokio::test]
async fn what_a_proxy_says_instead_of_a_tunnel_is_passed_on() {
    let table: [(&'static str, &str); 3] = [
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno",
            "answered 403 Forbidden instead of connecting to localhost:443",
        ),
        ("SSH-2.0-dropbear\r\n", "answered something that is no HTTP"),
        (
            "HTTP/1.1 200 OK\r\n\r\nearly",
            "it sent something before it was asked",
        ),
    ];
    for (answer, expected) in table {
        let address = serve(move |mut stream| async move {
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.read(&mut buffer).await;
        })
        .await;
        let engine = engine_with(allowing(&[&address]), Secrets::default());
        let tool = with(
            "https://localhost",
            "GET",
            "/",
            &json!({}),
            &json!({"proxy": address}),
        );
        let result = call_text(&engine, &tool, "{}").await;
        assert_eq!(result.outcome, Outcome::Connect, "{}", text(&result));
        assert!(
            text(&result).starts_with(&format!("The proxy {address}")) && text(&result).contains(expected),
            "{}",
            text(&result)
        );
    }
    let closed = "http://127.0.0.1:1";
    let engine = engine_with(allowing(&[closed]), Secrets::default());
    let tool = with(
        "https://localhost",
        "GET",
        "/",
        &json!({}),
        &json!({"proxy": closed}),
    );
    let said = text(&call_text(&engine, &tool, "{}").await);
    assert!(
        said.starts_with("Cannot connect to the proxy http://127.0.0.1:1:"),
        "{said}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_silent_is_given_up_within_the_connect_timeout() {
    let address = serve(|mut stream| async move {
        let mut byte = [0];
        while stream.read(&mut byte).await.is_ok_and(|count| count > 0) {}
    })
    .await;
    let engine = engine_with(allowing(&[&address]), Secrets::default());
    let more = json!({"proxy": address, "connect_timeout_ms": 200, "timeout_ms": 60_000});
    let tool = with("https://localhost", "GET", "/", &json!({}), &more);
    let result = call_text(&engine, &tool, "{}").await;
    assert_eq!(text(&result), "No connection to localhost within 200ms.");
    // Without a proxy it bounds the TLS handshake too.
    let more = json!({"connect_timeout_ms": 300, "timeout_ms": 60_000});
    let tool = with(&address.replace("http:", "https:"), "GET", "/", &json!({}), &more);
    let result = call_text(&engine, &tool, "{}").await;
    assert!(text(&result).ends_with(" within 300ms."), "{}", text(&result));
    assert_eq!(result.outcome, Outcome::Timeout);
    // And never outlives the call.
    let more = json!({"connect_timeout_ms": 60_000, "timeout_ms": 200});
    let tool = with(&address.replace("http:", "https:"), "GET", "/", &json!({}), &more);
    let result = call_text(&engine, &tool, "{}").await;
    assert!(
        text(&result).contains("no complete answer within 200ms"),
        "{}",
        text(&result)
    );
}

#[test]
fn what_is_no_proxy_is_refused_and_not_repeated() {
    let refused = |proxy: Value| {
        let binding = json!({"domain": "a.example", "method": "GET", "path": "/", "proxy": proxy});
        compile(&definition(&json!({}), &binding))
            .map(|_| ())
            .unwrap_err()
    };
    for proxy in ["", "proxy:3128", "https://proxy:3128", "socks5://proxy:1080"] {
        assert_eq!(
            refused(json!(proxy)),
            "tds_ext_info.proxy: must be \"http://host:port\""
        );
    }
    let said = refused(json!("http://ada:s3cr3t@proxy:3128"));
    assert_eq!(
        said,
        "tds_ext_info.proxy: must not carry credentials; give `username` and `password` beside `url`, as references"
    );
}

#[tokio::test]
async fn a_tunnel_and_certificates_go_together() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = TlsServer::start(authority.server_config("ledger.internal", BOTH, Some(&clients))).await;
    let proxy = ForwardProxy::start(Some("Basic ZHlubWNwOnMzY3IzdA==")).await;
    let dir = TempDir::new().unwrap();
    let (certificate, key) = clients.issue("client-a");
    for (name, text) in [
        ("ledger-ca.pem", authority.pem()),
        ("ledger-client.pem", certificate),
        ("ledger-client.key", key),
        ("proxy-password", "s3cr3t\n".to_owned()),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let port = server.host().rsplit(':').next().unwrap().to_owned();
    let secret = |name: &str| format!("${{file:{}/{name}}}", dir.path().display());
    let binding = json!({
        "base_url": format!("https://ledger.internal:{port}/v1"), "method": "GET", "path": "/entries/{entry}",
        "connect_timeout_ms": 1000,
        "tls": {"ca": secret("ledger-ca.pem"), "certificate": secret("ledger-client.pem"), "key": secret("ledger-client.key")},
        "proxy": {"url": proxy.address, "username": "dynmcp", "password": secret("proxy-password")},
    });
    let schema = json!({"type": "object", "properties": {"entry": {"type": "string"}}});
    let (tool, _) = compile(&definition(&schema, &binding)).unwrap();
    let secrets = Secrets::new(SecretSettings {
        file_dirs: vec![dir.path().to_owned()],
        ..SecretSettings::default()
    });
    let engine = engine_with(allowing(&[&proxy.address]), secrets);
    let result = call_text(&engine, &tool, r#"{"entry": "2026/117"}"#).await;
    assert_eq!(
        text(&result),
        format!("HTTP/2.0 ledger.internal:{port} /v1/entries/2026%2F117 client-a")
    );
    assert_eq!(proxy.take().len(), 1);
}
