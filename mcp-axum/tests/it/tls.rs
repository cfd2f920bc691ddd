//! TLS on the listener, with certificates made for each test, and clients that are known by theirs.

mod authority;
mod revoked;

use crate::test_app::{TestApp, eventually};
use authority::{Authority, Holder, connect, get, get_with, head_of, list, list_with, names_of};
use rustls::version::{TLS12, TLS13};
use serde_json::json;
use std::time::Duration;
use tempfile::TempDir;

/// A gateway with a certificate for `localhost`, and an instance `desk` of two tools that answer by themselves.
async fn gateway(folder: &TempDir, authority: &Authority, more: &[(&'static str, &str)]) -> TestApp {
    authority
        .issue("gateway", &["localhost"])
        .write(folder, "gateway");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (path("gateway.pem"), path("gateway.key"));
    let mut settings = vec![
        ("app.tls.certificate", certificate.as_str()),
        ("app.tls.key", key.as_str()),
    ];
    settings.extend(more);
    let app = TestApp::with(&settings).await;
    for id in ["get_order", "drop_orders"] {
        let tool = json!({
            "name": id, "description": "Says its name.", "input_schema": {"type": "object"},
            "static": {"content": [{"type": "text", "text": id}]},
        });
        app.store(mcp_common::key::Key::tool(id), &tool.to_string()).await;
    }
    let desk = json!({"name": "Desk", "tool_ids": ["get_order", "drop_orders"]});
    app.store(mcp_common::key::Key::instance("desk"), &desk.to_string())
        .await;
    app
}

#[tokio::test]
async fn clients_are_served_over_tls_of_both_versions_and_of_no_older_one() {
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
    let app = gateway(&folder, &authority, &[]).await;
    for version in [&TLS13, &TLS12] {
        let mut stream = connect(&app, &authority, None, &[version]).await.unwrap();
        let (status, body) = list(&mut stream, "desk", Some(app.user_key())).await;
        assert_eq!(
            (status, names_of(&body)),
            (200, vec!["get_order".to_owned(), "drop_orders".to_owned()])
        );
        // The connection goes on.
        assert_eq!(list(&mut stream, "desk", None).await.0, 401);
        assert_eq!(get(&mut stream, "/readyz").await.0, 200);
    }
    // Without TLS nothing is answered, and nobody is let in whom the client does not believe.
    let client = reqwest::Client::new();
    let sent = client
        .get(app.url("/readyz"))
        .timeout(Duration::from_secs(5))
        .send()
        .await;
    assert!(sent.is_err(), "{sent:?}");
    assert!(connect(&app, &Authority::new(), None, &[&TLS13]).await.is_err());
    // A client that says nothing holds no place for ever: others come in beside it.
    let silent = tokio::net::TcpStream::connect(app.address()).await.unwrap();
    let mut stream = connect(&app, &authority, None, &[&TLS13]).await.unwrap();
    assert_eq!(get(&mut stream, "/livez").await.0, 200);
    drop(silent);
}

#[tokio::test]
async fn browsers_are_told_to_come_over_tls_alone_unless_the_name_is_shared() {
    for (more, expected) in [
        (vec![], Some("strict-transport-security: max-age=31536000\r\n")),
        (
            vec![("app.tls.hsts_seconds", "60")],
            Some("strict-transport-security: max-age=60\r\n"),
        ),
        (vec![("app.tls.hsts_seconds", "0")], None),
    ] {
        let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
        let app = gateway(&folder, &authority, &more).await;
        let mut stream = connect(&app, &authority, None, &[&TLS13]).await.unwrap();
        for path in ["/livez", "/console", "/nothing", "/admin/tds"] {
            let head = head_of(&mut stream, path).await;
            let is_said = head.contains("strict-transport-security");
            assert_eq!(is_said, expected.is_some(), "{path}: {head}");
            assert!(expected.is_none_or(|line| head.contains(line)), "{path}: {head}");
        }
    }
}

#[tokio::test]
async fn another_certificate_is_taken_from_its_file_and_one_that_does_not_fit_is_not() {
    let (folder, first) = (TempDir::new().unwrap(), Authority::new());
    let app = gateway(&folder, &first, &[]).await;
    let mut before = connect(&app, &first, None, &[&TLS13]).await.unwrap();
    assert_eq!(get(&mut before, "/livez").await.0, 200);
    // A key that is another one's: what was there goes on.
    let second = Authority::new();
    let next = second.issue("gateway", &["localhost"]);
    next.write_certificate(&folder, "gateway");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(connect(&app, &first, None, &[&TLS13]).await.is_ok());
    next.write(&folder, "gateway");
    let mut is_new = false;
    for _ in 0..200 {
        is_new = connect(&app, &second, None, &[&TLS13]).await.is_ok();
        if is_new {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_new, "the new certificate is not used");
    assert!(connect(&app, &first, None, &[&TLS13]).await.is_err());
    assert_eq!(
        get(&mut before, "/livez").await.0,
        200,
        "an open connection goes on"
    );
    // The task that looks comes back after it failed.
    app.app().tasks.make_panic("tls_files");
    eventually("it runs again", || {
        let report = app.app().tasks.report();
        report
            .iter()
            .any(|task| task.name == "tls_files" && task.restarts == 1 && task.running == 1)
    })
    .await;
}

const CLIENTS: &str = r#"[
    {"certificate": "uri:spiffe://acme/reader", "name": "reader", "roles": ["reader"]},
    {"certificate": "dns:*.acme.internal", "roles": ["agent"]},
    {"certificate": "cn:operator", "name": "operator", "roles": ["admin"]}
]"#;

async fn mutual(
    folder: &TempDir,
    own: &Authority,
    clients: &Authority,
    more: &[(&'static str, &str)],
) -> TestApp {
    clients.write(folder, "clients");
    let authorities = folder.path().join("clients.pem").display().to_string();
    let mut settings = vec![
        ("app.tls.client_authorities", authorities.as_str()),
        ("app.authenticators", "mtls,api_key"),
        ("authenticator.mtls.clients", CLIENTS),
    ];
    settings.extend(more);
    let app = gateway(folder, own, &settings).await;
    let role = json!({"allow": [{"actions": ["tools/call"], "tools": ["get_*"]}]});
    app.store(mcp_common::key::Key::role("reader"), &role.to_string())
        .await;
    app
}

#[tokio::test]
async fn a_client_is_known_by_its_certificate() {
    let (folder, own, clients) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let app = mutual(&folder, &own, &clients, &[]).await;
    let over = async |holder: Option<&Holder>, shown: Option<&str>| {
        let mut stream = connect(&app, &own, holder, &[&TLS13]).await.unwrap();
        list(&mut stream, "desk", shown).await
    };
    let reader = clients.issue("anything", &["uri:spiffe://acme/reader"]);
    let (status, body) = over(Some(&reader), None).await;
    assert_eq!((status, names_of(&body)), (200, vec!["get_order".to_owned()]));
    let agent = clients.issue("x", &["host-7.acme.internal"]);
    assert_eq!(names_of(&over(Some(&agent), None).await.1).len(), 2);
    // Nobody's here; without one; a key beside one is what counts, right or wrong.
    let stranger = clients.issue("stranger", &["acme.internal"]);
    assert_eq!(over(Some(&stranger), None).await.0, 401);
    assert_eq!(over(None, None).await.0, 401);
    assert_eq!(
        names_of(&over(Some(&reader), Some(app.user_key())).await.1).len(),
        2
    );
    assert_eq!(over(Some(&agent), Some("a-key-that-nobody-has")).await.0, 401);
    assert_eq!(over(None, Some(app.user_key())).await.0, 200);
    // The admin API goes by it as well.
    let operator = clients.issue("operator", &[]);
    for (holder, expected) in [(&operator, 200), (&reader, 403)] {
        let mut stream = connect(&app, &own, Some(holder), &[&TLS12]).await.unwrap();
        assert_eq!(get(&mut stream, "/admin/tds").await.0, expected);
    }
    // One that another authority signed, or that has ended, opens no connection.
    let forged = Authority::new().issue("anything", &["uri:spiffe://acme/reader"]);
    let ended = clients.issue_ended("anything", &["uri:spiffe://acme/reader"]);
    for holder in [&forged, &ended] {
        let opened = connect(&app, &own, Some(holder), &[&TLS12]).await;
        assert!(opened.is_err());
    }
    // The role changes: the same certificate, from the next request on.
    let role = json!({"allow": [{"actions": ["tools/call"], "tools": ["drop_*"]}]});
    app.store(mcp_common::key::Key::role("reader"), &role.to_string())
        .await;
    assert_eq!(names_of(&over(Some(&reader), None).await.1), ["drop_orders"]);
}

#[tokio::test]
async fn a_certificate_speaks_for_no_page_from_elsewhere() {
    let (folder, own, clients) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let named = [("app.allowed_origins", "https://desk.example.com")];
    let app = mutual(&folder, &own, &clients, &named).await;
    let agent = clients.issue("x", &["a.acme.internal"]);
    let mut stream = connect(&app, &own, Some(&agent), &[&TLS13]).await.unwrap();
    let of_desk = "Sec-Fetch-Site: cross-site\r\nOrigin: https://desk.example.com\r\n";
    let with_key = format!("Sec-Fetch-Site: cross-site\r\nx-api-key: {}\r\n", app.user_key());
    for (headers, expected) in [
        ("", 200),
        ("Sec-Fetch-Site: none\r\n", 200),
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        ("Sec-Fetch-Site: same-site\r\n", 401),
        ("Sec-Fetch-Site: cross-site\r\n", 401),
        ("Origin: https://evil.example\r\n", 403),
        (of_desk, 200),
        (with_key.as_str(), 200),
    ] {
        let (status, body) = list_with(&mut stream, "desk", headers).await;
        assert_eq!(status, expected, "{headers}: {body}");
        assert!(status != 401 || body.contains("`app.allowed_origins`"), "{body}");
    }
    // The admin API as well: its own pages are let in, others are not.
    let operator = clients.issue("operator", &[]);
    let mut stream = connect(&app, &own, Some(&operator), &[&TLS13]).await.unwrap();
    for (headers, expected) in [
        ("", 200),
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        ("Origin: https://localhost\r\n", 200),
        (of_desk, 200),
        ("Sec-Fetch-Site: cross-site\r\n", 401),
        ("Sec-Fetch-Site: same-site\r\nOrigin: https://localhost\r\n", 401),
        ("Origin: http://localhost\r\n", 401),
        ("Origin: https://evil.example\r\n", 401),
        ("Origin: null\r\n", 401),
    ] {
        let (status, body) = get_with(&mut stream, "/admin/tds", headers).await;
        assert_eq!(status, expected, "{headers}: {body}");
    }
    // Whoever lets in every page means those that show a key.
    let (folder, every) = (TempDir::new().unwrap(), [("app.allowed_origins", "*")]);
    let app = mutual(&folder, &own, &clients, &every).await;
    let mut stream = connect(&app, &own, Some(&agent), &[&TLS13]).await.unwrap();
    let evil = "Origin: https://evil.example\r\n";
    assert_eq!(list_with(&mut stream, "desk", evil).await.0, 401);
    let with_key = format!("{evil}x-api-key: {}\r\n", app.user_key());
    assert_eq!(list_with(&mut stream, "desk", &with_key).await.0, 200);
}

#[tokio::test]
async fn where_certificates_are_required_nobody_connects_without_one() {
    let (folder, own, clients) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let more = [
        ("app.tls.client_certificates", "required"),
        ("app.admin_listen", "127.0.0.1:0"),
    ];
    let app = mutual(&folder, &own, &clients, &more).await;
    assert!(connect(&app, &own, None, &[&TLS12]).await.is_err());
    let agent = clients.issue("x", &["a.acme.internal"]);
    let mut stream = connect(&app, &own, Some(&agent), &[&TLS12]).await.unwrap();
    assert_eq!(list(&mut stream, "desk", None).await.0, 200);
    // Probes have none.
    let mut probe = authority::connect_to(app.admin_address(), &own, None, &[&TLS13])
        .await
        .unwrap();
    assert_eq!(get(&mut probe, "/readyz").await.0, 200);
    assert_eq!(get(&mut probe, "/admin/tds").await.0, 401);
}
