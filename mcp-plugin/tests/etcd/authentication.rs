//! Users, passwords and rights.

use super::store;
use crate::servers::etcd::EtcdServer;
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::Key,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// `gateway` may do everything with the two prefixes, `reader` may read the definitions, `nobody` may do nothing.
fn secured(options: &[&str]) -> EtcdServer {
    let server = EtcdServer::start(options);
    for user in ["root", "gateway", "reader", "nobody"] {
        server.etcdctl(&["user", "add", &format!("{user}:secret-{user}")]);
        server.etcdctl(&["role", "add", user]);
        server.etcdctl(&["user", "grant-role", user, user]);
    }
    let grant = |role, right, prefix| {
        server.etcdctl(&["role", "grant-permission", role, "--prefix=true", right, prefix]);
    };
    grant("gateway", "readwrite", "/dynmcp/");
    grant("gateway", "readwrite", "/dynmcp-history/");
    grant("reader", "read", "/dynmcp/");
    server.etcdctl(&["auth", "enable"]);
    server.log_in("root", "secret-root");
    server
}

fn login(user: &str) -> Value {
    json!({ "username": user, "password": format!("secret-{user}") })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_come_in_learns_why() {
    let server = secured(&[]);
    let wrong = json!({ "username": "gateway", "password": "hunter2" });
    let error = store::refusal(&server.url(), &wrong).await;
    assert!(
        error.contains("the user name or the password is wrong"),
        "{error}"
    );
    assert!(
        error.contains(&server.url()) && !error.contains("hunter2"),
        "{error}"
    );

    let error = store::refusal(&server.url(), &Value::Null).await;
    assert!(error.contains("set data_source.etcd.username"), "{error}");

    let error = store::refusal(&server.url(), &login("nobody")).await;
    assert!(error.contains("denies the user `nobody`"), "{error}");
    assert!(
        error.contains("grant-permission ROLE --prefix=true readwrite /dynmcp/"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_reads() {
    let server = secured(&[]);
    store::raw_put(&server, "/dynmcp/tds/a", "{}");
    let source = store::open_with(&server.url(), &login("reader")).await;
    let load = source.load().await.unwrap();
    assert_eq!(load.records.len(), 1);
    let mut changes = source.watch(load.revision).await.unwrap();
    store::raw_put(&server, "/dynmcp/tds/b", "{}");
    assert_eq!(store::next(&mut changes).await.unwrap().changes.len(), 1);

    let key = Key::tool("c");
    let expected = Expected::Any;
    let principal = "anna";
    let write = Write {
        key: &key,
        expected,
        principal,
    };
    match source.put(write, "{}".into()).await {
        Err(SourceError::Broken(reason)) => assert!(reason.contains("denies the user `reader`"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(source.load().await.unwrap().records.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_login_is_renewed() {
    let server = secured(&["--auth-token-ttl=1"]);
    let source = store::open_with(&server.url(), &login("gateway")).await;
    let key = Key::tool("a");
    store::put(&source, &key, "{}").await.unwrap();
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();
    // Past the time to live of the token, however slow the machine is.
    let expired = Instant::now() + Duration::from_millis(2_500);
    tokio::time::sleep_until(expired.into()).await;
    let revision = store::put(&source, &key, "{\"x\":2}").await.unwrap();
    assert_eq!(store::next(&mut changes).await.unwrap().revision, revision);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let mut changes = source.watch(revision).await.unwrap();
    let revision = store::put(&source, &key, "{\"x\":3}").await.unwrap();
    assert_eq!(store::next(&mut changes).await.unwrap().revision, revision);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_authentication_takes_any_login() {
    let server = EtcdServer::start(&[]);
    let source = store::open_with(&server.url(), &login("gateway")).await;
    store::put(&source, &Key::tool("a"), "{}").await.unwrap();
    // Switched on while the gateway runs.
    server.etcdctl(&["user", "add", "root:secret-root"]);
    server.etcdctl(&["user", "grant-role", "root", "root"]);
    server.etcdctl(&["user", "add", "gateway:secret-gateway"]);
    server.etcdctl(&["user", "grant-role", "gateway", "root"]);
    server.etcdctl(&["auth", "enable"]);
    store::put(&source, &Key::tool("b"), "{}").await.unwrap();
    assert_eq!(source.load().await.unwrap().records.len(), 2);
}
