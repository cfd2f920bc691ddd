//! TLS upstreams: over HTTP/1.1 and HTTP/2, with authorities and certificates that definitions name.

use crate::{
    calling::{call_text, compile, definition, engine, text, tool, with},
    tls_server::{Authority, BOTH, TlsServer},
};
use mcp_common::{definition::ToolDefinition, document::Document};
use mcp_core::{
    engine::{Engine, EngineServices, EngineSettings, Outcome},
    secrets::{SecretSettings, Secrets},
    tls_material::TrustRoots,
    tool::{CompiledTool, ToolCompiler},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn trusting(authority: &Authority) -> Engine {
    Engine::new(
        EngineSettings::default(),
        EngineServices {
            trust: TrustRoots::only([authority.der()]),
            ..EngineServices::default()
        },
    )
}

fn secrets(dir: &TempDir) -> Secrets {
    Secrets::new(SecretSettings {
        file_dirs: vec![dir.path().to_owned()],
        ..SecretSettings::default()
    })
}

pub(crate) fn with_secrets(dir: &TempDir) -> Engine {
    Engine::new(
        EngineSettings::default(),
        EngineServices {
            secrets: secrets(dir),
            ..EngineServices::default()
        },
    )
}

fn write(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    format!("${{file:{}}}", path.display())
}

fn tls_tool(origin: &str, tls: &Value) -> CompiledTool {
    with(origin, "GET", "/", &json!({}), &json!({"tls": tls}))
}

#[tokio::test]
async fn trusted_upstreams_are_called_over_the_version_they_speak() {
    let table: [(&[&[u8]], &str); 3] = [
        (BOTH, "HTTP/2.0"),
        (&[b"http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ];
    for (protocols, version) in table {
        let authority = Authority::new();
        let server = TlsServer::start(authority.server_config("localhost", protocols, None)).await;
        let engine = trusting(&authority);
        let tool = tool(&server.origin, "GET", "/a/{id}", &json!({}));
        for _ in 0..2 {
            let result = call_text(&engine, &tool, r#"{"id":"x/y"}"#).await;
            assert_eq!(text(&result), format!("{version} {} /a/x%2Fy", server.host()));
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_a_tls_failure() {
    let server = TlsServer::start(Authority::new().server_config("localhost", BOTH, None)).await;
    let result = call_text(&engine(), &tool(&server.origin, "GET", "/", &json!({})), "{}").await;
    assert_eq!(result.outcome, Outcome::Tls, "{}", text(&result));
    assert!(text(&result).contains("certificate"), "{}", text(&result));
}

#[tokio::test]
async fn the_authority_of_one_definition_is_believed_by_that_definition_alone() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.server_config("localhost", BOTH, None)).await;
    let dir = TempDir::new().unwrap();
    let engine = with_secrets(&dir);
    let inline = tls_tool(&server.origin, &json!({"ca": authority.pem()}));
    let by_file = tls_tool(
        &server.origin,
        &json!({"ca": write(&dir, "ca.pem", &authority.pem())}),
    );
    let other = tls_tool(&server.origin, &json!({"ca": Authority::new().pem()}));
    let plain = tool(&server.origin, "GET", "/", &json!({}));
    for _ in 0..2 {
        for tool in [&inline, &by_file] {
            let result = call_text(&engine, tool, "{}").await;
            assert_eq!(text(&result), format!("HTTP/2.0 {} /", server.host()));
        }
        // An open connection of theirs is no way in for the others.
        for tool in [&other, &plain] {
            let result = call_text(&engine, tool, "{}").await;
            assert_eq!(result.outcome, Outcome::Tls, "{}", text(&result));
        }
    }
    let equal = tls_tool(&server.origin, &json!({"ca": authority.pem()}));
    let before = server.connections();
    call_text(&engine, &equal, "{}").await;
    assert_eq!(server.connections(), before, "equal settings share connections");

    // Only that one: what everybody else believes is not believed here.
    let trusted = trusting(&authority);
    let result = call_text(&trusted, &other, "{}").await;
    assert_eq!(result.outcome, Outcome::Tls, "{}", text(&result));
}

#[tokio::test]
async fn each_definition_shows_its_own_certificate() {
    let (authority, clients) = (Authority::new(), Authority::new());
    for protocols in [BOTH, &[b"http/1.1" as &[u8]]] {
        let server = TlsServer::start(authority.server_config("localhost", protocols, Some(&clients))).await;
        let dir = TempDir::new().unwrap();
        let engine = with_secrets(&dir);
        let identified = |name: &str, issuer: &Authority| {
            let (certificate, key) = issuer.issue(name);
            let key = write(&dir, &format!("{name}.key"), &key);
            tls_tool(
                &server.origin,
                &json!({"ca": authority.pem(), "certificate": certificate, "key": key}),
            )
        };
        let (a, b) = (identified("client-a", &clients), identified("client-b", &clients));
        let foreign = identified("client-c", &Authority::new());
        let nobody = tls_tool(&server.origin, &json!({"ca": authority.pem()}));
        for _ in 0..3 {
            for (tool, name) in [(&a, "client-a"), (&b, "client-b")] {
                let result = call_text(&engine, tool, "{}").await;
                assert!(
                    text(&result).ends_with(&format!(" / {name}")),
                    "{}",
                    text(&result)
                );
            }
            for tool in [&nobody, &foreign] {
                let result = call_text(&engine, tool, "{}").await;
                // The server ends the connection; its reason may be lost on the way.
                let is_ended = matches!(result.outcome, Outcome::Tls | Outcome::Connect);
                assert!(is_ended && result.is_error, "{}", text(&result));
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_may_have_another_name_than_the_host() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.server_config("orders.internal", BOTH, None)).await;
    let engine = engine();
    let result = call_text(
        &engine,
        &tls_tool(&server.origin, &json!({"ca": authority.pem()})),
        "{}",
    )
    .await;
    assert_eq!(result.outcome, Outcome::Tls, "{}", text(&result));
    let named = json!({"ca": authority.pem(), "server_name": "orders.internal"});
    let result = call_text(&engine, &tls_tool(&server.origin, &named), "{}").await;
    assert_eq!(text(&result), format!("HTTP/2.0 {} /", server.host()));
}

#[tokio::test]
async fn files_are_read_again_and_a_broken_one_leaves_what_was_good() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = TlsServer::start(authority.server_config("localhost", BOTH, Some(&clients))).await;
    let dir = TempDir::new().unwrap();
    let engine = with_secrets(&dir);
    let (certificate, key) = clients.issue("client-a");
    let tls = json!({
        "ca": write(&dir, "ca.pem", &authority.pem()),
        "certificate": write(&dir, "tls.crt", &certificate),
        "key": write(&dir, "tls.key", &key),
    });
    let tool = tls_tool(&server.origin, &tls);
    let answer = async || text(&call_text(&engine, &tool, "{}").await);
    assert!(answer().await.ends_with("client-a"));

    // Two files cannot be replaced at once: for a while the certificate is not that of the key.
    let (certificate, key) = clients.issue("client-b");
    write(&dir, "tls.crt", &certificate);
    let deadline = Instant::now() + Duration::from_secs(20);
    let until = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < until {
        assert!(answer().await.ends_with("client-a"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    write(&dir, "tls.key", &key);
    while !answer().await.ends_with("client-b") {
        assert!(Instant::now() < deadline, "the new certificate was never shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // Taken away is taken away.
    std::fs::remove_file(dir.path().join("tls.key")).unwrap();
    let last = loop {
        let last = call_text(&engine, &tool, "{}").await;
        if last.is_error {
            break last;
        }
        assert!(Instant::now() < deadline + Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(last.outcome, Outcome::Refused);
    let said = text(&last);
    assert!(
        said.contains("tds_ext_info.tls.key: ${file:") && said.contains("nothing was sent"),
        "{said}"
    );
}

#[test]
fn what_cannot_work_is_refused_with_its_field_when_the_definition_is_written() {
    let (certificate, key) = Authority::new().issue("client-a");
    let compile = |origin: &str, tls: Value| {
        let binding = json!({"domain": origin, "method": "GET", "path": "/", "tls": tls});
        compile(&definition(&json!({}), &binding))
            .map(|_| ())
            .unwrap_err()
    };
    let table = [
        (
            json!({"ca": "nothing"}),
            "tds_ext_info.tls.ca: has no certificate in PEM form",
        ),
        (
            json!({"ca": "/etc/ssl/ca.pem"}),
            "tds_ext_info.tls.ca: has no certificate in PEM form (-----BEGIN CERTIFICATE-----); a file is referred to as",
        ),
        (
            json!({"certificate": certificate.replace("MII", "%%%"), "key": "${env:KEY}"}),
            "tds_ext_info.tls.certificate: is not PEM",
        ),
        (
            json!({"ca": key}),
            "tds_ext_info.tls.ca: has a private key in it, which never stands in a definition",
        ),
        (
            json!({"server_name": "a b"}),
            "tds_ext_info.tls.server_name: `a b` is not the name of a host",
        ),
    ];
    for (tls, expected) in table {
        let problems = compile("api.example.com", tls);
        assert!(problems.starts_with(expected), "{problems}");
    }
    let problems = compile("http://api.example.com", json!({"ca": certificate}));
    assert!(
        problems.starts_with("tds_ext_info.tls: api.example.com is called over http"),
        "{problems}"
    );
}

#[test]
fn files_that_do_not_fit_are_warnings_since_they_may_fit_before_the_first_call() {
    let (one, other) = (
        Authority::new().issue("client-a"),
        Authority::new().issue("client-b"),
    );
    let dir = TempDir::new().unwrap();
    let crt = write(&dir, "tls.crt", &one.0);
    let key = write(&dir, "tls.key", &other.1);
    let text = write(&dir, "text", "s3cr3t");
    let warnings = |tls: Value| {
        let binding = json!({"domain": "a.example", "method": "GET", "path": "/", "tls": tls});
        let document = definition(&json!({}), &binding).to_string();
        let document = Document::parse(document.as_bytes()).unwrap();
        let definition = ToolDefinition::read("t", &document).unwrap().definition;
        let compiler = ToolCompiler::default().with_secrets(secrets(&dir));
        compiler.compile(&definition).unwrap().warnings.join("\n")
    };
    assert_eq!(
        warnings(json!({"certificate": crt, "key": key})),
        "tds_ext_info.tls.key: is not the private key of `certificate`; until that is mended, calls fail"
    );
    let said = warnings(json!({"ca": text, "certificate": text, "key": "${env:DYNMCP_SECRET_NOT_SET}"}));
    assert!(
        said.starts_with("tds_ext_info.tls.key: ${env:DYNMCP_SECRET_NOT_SET} is not set"),
        "{said}"
    );
    let said = warnings(json!({"ca": text, "certificate": text, "key": key}));
    assert!(
        said.contains("tls.ca: has no certificate") && said.contains("tls.certificate: has no certificate"),
        "{said}"
    );
    assert!(!said.contains("s3cr3t"), "{said}");
}

#[tokio::test]
async fn another_origin_is_shown_no_certificate_but_the_token_endpoint_is() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let dir = TempDir::new().unwrap();
    let engine = with_secrets(&dir);
    let (certificate, key) = clients.issue("client-a");
    let secret = write(&dir, "secret", "s3cr3t");
    let tls = json!({
        "ca": authority.pem(),
        "certificate": certificate,
        "key": write(&dir, "tls.key", &key),
    });
    let other = TlsServer::start(authority.server_config("localhost", BOTH, Some(&clients))).await;
    let target = other.origin.clone();
    let own = authority.server_config("localhost", BOTH, Some(&clients));
    let server = TlsServer::answering(own, move |request, client| {
        let answer = http::Response::builder();
        let location = match request.uri().path() {
            "/away" => format!("{target}/there"),
            "/home" => "/here".to_owned(),
            "/token" => {
                let token = format!(r#"{{"access_token":"of{client}"}}"#).replace(' ', "-");
                return answer.body(token.into()).unwrap();
            }
            _ => {
                let token = request.headers().get("authorization");
                let token = token.map_or("", |token| token.to_str().unwrap());
                return answer.body(format!("{token}{client}").into()).unwrap();
            }
        };
        let answer = answer.status(302).header("location", location);
        answer.body(Default::default()).unwrap()
    })
    .await;
    let redirect = json!({"follow": 1, "same_origin_only": false});
    let called = async |path: &str, more: Value| {
        let tool = with(&server.origin, "GET", path, &json!({}), &more);
        call_text(&engine, &tool, "{}").await
    };
    let home = called("/home", json!({"tls": tls, "redirect": redirect})).await;
    assert_eq!(text(&home), " client-a");
    let away = called("/away", json!({"tls": tls, "redirect": redirect})).await;
    assert!(away.is_error, "{}", text(&away));
    assert!(text(&away).contains(other.host()), "{}", text(&away));

    let auth = json!({
        "type": "oauth2_client_credentials",
        "token_url": format!("{}/token", server.origin),
        "client_id": "ada",
        "client_secret": secret,
    });
    let result = called("/", json!({"tls": tls, "auth": auth})).await;
    assert_eq!(text(&result), "Bearer of-client-a client-a");
    // The same token endpoint and client, but nobody to vouch for it: the token of the other tool is not used.
    let result = called("/", json!({"auth": auth})).await;
    assert!(
        text(&result).starts_with("No token from the token endpoint"),
        "{}",
        text(&result)
    );
}
