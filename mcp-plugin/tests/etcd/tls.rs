//! TLS: who is trusted, under which name.

use super::store;
use crate::servers::{certificates, etcd::EtcdServer};
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::Key,
};
use mcp_plugin::datasource::etcd::Etcd;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The server's name.
const NAMES: [&str; 2] = ["etcd.test", "client"];

struct Secure {
    server: EtcdServer,
    strangers: TempDir,
}

impl Secure {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        certificates::make(directory.path(), &NAMES);
        let path = |name: &str| directory.path().join(name).display().to_string();
        let options = [
            format!("--cert-file={}", path("etcd.test.pem")),
            format!("--key-file={}", path("etcd.test.key")),
            format!("--trusted-ca-file={}", path("ca.pem")),
            "--client-cert-auth".to_owned(),
        ];
        let access = [
            format!("--cacert={}", path("ca.pem")),
            format!("--cert={}", path("client.pem")),
            format!("--key={}", path("client.key")),
            // It goes by the address, which the certificate does not name.
            "--insecure-skip-tls-verify".to_owned(),
        ];
        let (options, access) = (options.each_ref().map(|s| &**s), access.each_ref().map(|s| &**s));
        let strangers = tempfile::tempdir().unwrap();
        certificates::make(strangers.path(), &NAMES);
        Self {
            server: EtcdServer::start_with("https", directory, &options, &access),
            strangers,
        }
    }

    fn settings(&self, server_name: Option<&str>) -> Value {
        let path = |name: &str| self.server.directory.path().join(name).display().to_string();
        json!({
            "ca_file": path("ca.pem"),
            "cert_file": path("client.pem"),
            "key_file": path("client.key"),
            "server_name": server_name,
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_know_each_other() {
    let secure = Secure::start();
    let url = secure.server.url();
    let source = store::open_with(&url, &secure.settings(Some("etcd.test"))).await;
    store::put(&source, &Key::tool("a"), "{}").await.unwrap();
    let load = source.load().await.unwrap();
    assert_eq!(load.records.len(), 1);
    let mut changes = source.watch(load.revision).await.unwrap();
    store::put(&source, &Key::tool("b"), "{}").await.unwrap();
    store::next(&mut changes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_said() {
    let secure = Secure::start();
    let url = secure.server.url();
    let error = store::refusal(&url, &secure.settings(None)).await;
    assert!(
        error.contains(&url) && error.contains("not valid for name \"127.0.0.1\""),
        "{error}"
    );
    assert!(
        error.contains("data_source.etcd.ca_file, .server_name"),
        "{error}"
    );

    let mut settings = secure.settings(Some("etcd.test"));
    settings["ca_file"] = json!(secure.strangers.path().join("ca.pem"));
    let error = store::refusal(&url, &settings).await;
    assert!(error.contains("TLS: invalid peer certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_brings_no_certificate_does_not_get_in() {
    let secure = Secure::start();
    let mut settings = secure.settings(Some("etcd.test"));
    for name in ["cert_file", "key_file"] {
        settings.as_object_mut().unwrap().remove(name);
    }
    // In TLS 1.3 the server's reason may be lost with the connection.
    match Etcd::open(store::settings(&secure.server.url(), &settings)).await {
        Err(error) => assert!(error.to_string().contains(".cert_file"), "{error}"),
        Ok(source) => assert!(source.load().await.is_err()),
    }
}

/// Not a refusal at the start: a server that is just being set up looks the same.
#[tokio::test(flavor = "multi_thread")]
async fn one_side_speaks_tls_and_the_other_does_not() {
    let unavailable =
        async |url: String, settings: &Value| match store::open_with(&url, settings).await.load().await {
            Err(SourceError::Unavailable(reason)) => reason,
            other => panic!("{other:?}"),
        };
    let secure = Secure::start();
    let plain = EtcdServer::start(&[]);
    let reason = unavailable(plain.url().replace("http", "https"), &secure.settings(None)).await;
    assert!(reason.contains("the server may speak plain HTTP"), "{reason}");
    let reason = unavailable(secure.server.url().replace("https", "http"), &Value::Null).await;
    assert!(reason.contains("http://127.0.0.1"), "{reason}");
}
