//! Connections of single upstreams: whom they believe, what they show, where they lead through, which addresses they may reach.

use crate::{
    behaviour::{TOOLS, legacy, modern},
    forward_proxy::ForwardProxy,
    server::{Reply, Server},
    setup::{call, hub, hub_with, ready, settings, trouble, until},
    tls_server::Authority,
};
use mcp_core::{
    egress::EgressSettings,
    upstream::{HubSettings, State},
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// Speaks TLS for a server that does not, under this name.
async fn secured(authority: &Authority, name: &str, clients: Option<&Authority>, server: SocketAddr) -> u16 {
    let config = authority.server_config(name, &[b"http/1.1"], clients);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not believe goes away.
                let Ok(mut client) = acceptor.accept(stream).await else {
                    return;
                };
                if let Ok(mut server) = TcpStream::connect(server).await {
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    port
}

/// The document of the server behind TLS, with more members.
fn document(url: &str, members: &Value) -> Value {
    let mut document = json!({"url": url, "timeouts": {"connect_ms": 20_000}});
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

/// Lets definitions name this proxy.
fn through(proxy: &ForwardProxy) -> HubSettings {
    HubSettings {
        egress: EgressSettings {
            proxies: vec![proxy.address.parse().unwrap()],
            ..settings().egress
        },
        ..settings()
    }
}

#[tokio::test]
async fn an_authority_of_its_own_is_believed_and_no_other_one() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Server::start(|received| modern(received, TOOLS)).await;
    let port = secured(&authority, "localhost", None, server.address).await;
    let url = format!("https://localhost:{port}/mcp");
    let own = hub(&document(&url, &json!({"tls": {"ca": authority.pem()}})));
    assert!(!ready(&own).await.tools.is_empty());
    call(&own, "get", "{}").await.unwrap();

    for tls in [json!({}), json!({"tls": {"ca": stranger.pem()}})] {
        let other = hub(&document(&url, &tls));
        let told = trouble(&other).await;
        assert!(
            told.contains(&format!("localhost:{port}")) && told.contains("invalid peer certificate"),
            "{told}"
        );
        assert_ne!(other.status("u").unwrap().state, State::Ready);
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused_unless_the_document_names_it() {
    let authority = Authority::new();
    let server = Server::start(|received| legacy(received, "s-1", TOOLS, false)).await;
    let port = secured(&authority, "mcp.inside.example", None, server.address).await;
    let url = format!("https://localhost:{port}/mcp");
    let wrong = hub(&document(&url, &json!({"tls": {"ca": authority.pem()}})));
    let told = trouble(&wrong).await;
    assert!(
        told.contains(&format!("localhost:{port}")) && told.contains("mcp.inside.example"),
        "{told}"
    );
    let named = json!({"tls": {"ca": authority.pem(), "server_name": "mcp.inside.example"}});
    ready(&hub(&document(&url, &named))).await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_one_without_its_key_is_named() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = Server::start(|received| modern(received, TOOLS)).await;
    let port = secured(&authority, "localhost", Some(&clients), server.address).await;
    let url = format!("https://localhost:{port}/mcp");
    let nothing = hub(&document(&url, &json!({"tls": {"ca": authority.pem()}})));
    trouble(&nothing).await;
    let (certificate, key) = clients.issue("gateways");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    std::fs::write(&file, key).unwrap();
    let shown = |key: String| {
        let tls = json!({"ca": authority.pem(), "certificate": certificate, "key": key});
        document(&url, &json!({"tls": tls}))
    };
    let secrets = mcp_core::secrets::SecretSettings {
        file_dirs: vec![folder.path().to_owned()],
        ..Default::default()
    };
    let with_secrets = || HubSettings {
        secrets: mcp_core::secrets::Secrets::new(secrets.clone()),
        ..settings()
    };
    let known = hub_with(with_secrets(), &shown(format!("${{file:{}}}", file.display())));
    ready(&known).await;
    let lost = format!("${{file:{}}}", folder.path().join("lost").display());
    let told = trouble(&hub_with(with_secrets(), &shown(lost))).await;
    assert!(
        told.starts_with("tls.key: ") && told.ends_with("; nothing was sent"),
        "{told}"
    );
}

#[tokio::test]
async fn older_transports_and_websockets_are_secured_alike() {
    let authority = Authority::new();
    let tls = json!({"tls": {"ca": authority.pem()}});
    let (events, _streams) = crate::sse::server(|_, _| None).await;
    let port = secured(&authority, "localhost", None, events.address).await;
    let sse = hub(&document(&format!("https://localhost:{port}/sse"), &tls));
    ready(&sse).await;
    let socket = crate::websocket::honest().await;
    let port = secured(&authority, "localhost", None, socket.address).await;
    let url = format!("wss://localhost:{port}/mcp");
    ready(&hub(&document(&url, &tls))).await;
    let told = trouble(&hub(&document(&url, &json!({})))).await;
    assert!(told.contains("UnknownIssuer"), "{told}");
}

#[tokio::test]
async fn connections_lead_through_the_proxy_that_the_operator_names() {
    let authority = Authority::new();
    let server = Server::start(|received| modern(received, TOOLS)).await;
    let port = secured(&authority, "localhost", None, server.address).await;
    let proxy = ForwardProxy::start(None).await;
    let members = json!({"tls": {"ca": authority.pem()}, "proxy": proxy.address});
    let url = format!("https://localhost:{port}/mcp");
    let tunnelled = hub_with(through(&proxy), &document(&url, &members));
    ready(&tunnelled).await;
    call(&tunnelled, "get", "{}").await.unwrap();
    let heads = proxy.take();
    assert!(
        heads
            .iter()
            .all(|head| head.starts_with(&format!("CONNECT localhost:{port} ")))
            && !heads.is_empty(),
        "{heads:?}"
    );
    // Without TLS the proxy reads the requests.
    let plain = json!({"proxy": proxy.address});
    let url = format!("http://{}/mcp", server.address);
    let read = hub_with(through(&proxy), &document(&url, &plain));
    ready(&read).await;
    assert!(proxy.take()[0].starts_with(&format!("POST {url} ")));

    let refused = trouble(&hub(&document(&url, &plain))).await;
    let expected = format!("proxy: {} is not used: `egress.proxies` of", proxy.address);
    assert!(refused.contains(&expected), "{refused}");
    let closed = ForwardProxy::start(Some("Basic Z2F0ZXdheTpvcGVu")).await;
    let login = |password: &str| {
        let proxy =
            json!({"url": closed.address, "username": "gateway", "password": format!("${{env:{password}}}")});
        document(&url, &json!({"proxy": proxy}))
    };
    let told = trouble(&hub_with(through(&closed), &login("DYNMCP_SECRET_NOT_THERE"))).await;
    assert!(told.starts_with("proxy.password: "), "{told}");
    let told = trouble(&hub_with(
        through(&closed),
        &document(&url, &json!({"proxy": closed.address})),
    ))
    .await;
    assert!(told.contains("asks for other credentials (status 407)"), "{told}");
}

#[tokio::test]
async fn an_upstream_reaches_only_the_addresses_that_its_document_allows() {
    let server = Server::start(|received| modern(received, TOOLS)).await;
    let url = format!("http://localhost:{}/mcp", server.address.port());
    let allowed = json!({"egress": {"allow": ["localhost", "127.0.0.1"]}});
    let open = hub(&document(&url, &allowed));
    ready(&open).await;
    // It would still ask for a stream of what changes.
    open.close().await;
    let before = server.received().len();
    for (egress, reason) in [
        (
            json!({"allow": ["10.0.0.0/8"]}),
            "`egress.allow` of the definition does not name it",
        ),
        (
            json!({"deny": ["127.0.0.0/8", "::1"]}),
            "`egress.deny` of the definition names it",
        ),
    ] {
        let told = trouble(&hub(&document(&url, &json!({"egress": egress})))).await;
        assert!(told.contains(reason), "{told}");
    }
    assert_eq!(server.received().len(), before);
}

#[tokio::test]
async fn a_server_that_lies_about_what_it_can_do_loses_only_that() {
    // It says that it has resources, prompts and completion, and knows nothing of them.
    let says = |capabilities: Value| {
        move |received: &crate::server::Received| match received.rpc() {
            "server/discover" => Reply::Json(200, received.error(-32601, &Value::Null)),
            "initialize" => {
                let about = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities,
                    "serverInfo": {"name": "liar", "version": "1"}});
                Reply::Json(200, received.result(&about.to_string()))
            }
            "tools/list" => Reply::Json(200, received.result(&format!("{{\"tools\":{TOOLS}}}"))),
            "" => Reply::With(202, Vec::new(), String::new()),
            rpc if rpc.starts_with("notifications/") => Reply::With(202, Vec::new(), String::new()),
            _ => Reply::Json(200, received.error(-32601, &Value::Null)),
        }
    };
    let all = json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}, "prompts": {}, "completions": {}, "logging": {}});
    let server = Server::start(says(all)).await;
    let liar = hub(&server.document());
    let inventory = ready(&liar).await;
    assert!(!inventory.tools.is_empty() && inventory.resources.is_empty() && inventory.prompts.is_empty());
    let skipped: Vec<&str> = inventory.skipped.iter().map(|skipped| skipped.list).collect();
    for list in ["resources/list", "prompts/list"] {
        assert!(skipped.contains(&list), "{skipped:?}");
    }
    // It says that it has no tools, and is not asked for any.
    let server = Server::start(says(json!({}))).await;
    let modest = hub(&server.document());
    assert!(ready(&modest).await.tools.is_empty());
    assert_eq!(server.count("tools/list"), 0);
    // What is no object says nothing.
    let server = Server::start(says(json!({"tools": true, "resources": [], "prompts": "yes"}))).await;
    ready(&hub(&server.document())).await;
}

/// It would be tried again in an hour.
#[tokio::test]
async fn a_server_that_probes_find_well_again_is_connected_at_once() {
    let is_ill = Arc::new(AtomicBool::new(true));
    let says = is_ill.clone();
    let server = Server::start(move |received| match says.load(Ordering::Relaxed) {
        true => Reply::Json(503, String::new()),
        false => modern(received, TOOLS),
    })
    .await;
    let hour = Duration::from_secs(3_600);
    let settings = HubSettings {
        first_wait: hour,
        longest_wait: hour,
        ..settings()
    };
    let document = json!({"endpoints": [server.document()], "breaker": {"failures": 1, "cool_down_seconds": 1},
        "health": {"enabled": true, "interval_seconds": 1, "healthy_threshold": 1, "unhealthy_threshold": 1}});
    let hub = hub_with(settings, &document);
    trouble(&hub).await;
    until(&hub, "out", || {
        hub.endpoints("u")
            .is_some_and(|all| all[0].is_healthy == Some(false))
    })
    .await;
    is_ill.store(false, Ordering::Relaxed);
    ready(&hub).await;
}
