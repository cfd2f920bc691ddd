//! What cannot work is said in one line: where, what, and what to do. Never with the password.

use super::store::{Store, contents, on_both, put};
use mcp_common::{
    datasource::{Expected, SourceError, Write},
    key::Key,
};
use mcp_plugin::datasource::mysql::Server;

on_both! {
    urls_that_cannot_be_used
    wrong_password_and_unknown_database
    missing_rights_are_named
    what_is_not_text_is_refused
}

async fn refusal<S: Store>(store: &S, url: String) -> String {
    let settings = Server {
        url: url.as_str().into(),
        ..store.settings()
    };
    let error = S::refusal(settings).await;
    let key = format!("data_source.{}.url: ", S::SCHEME);
    assert!(error.starts_with(&key) && !error.contains('\n'), "{error}");
    assert!(!error.contains("geheim"), "{error}");
    error
}

async fn urls_that_cannot_be_used<S: Store>() {
    let store = S::fresh().await;
    let scheme = S::SCHEME;
    for (url, expected) in [
        (
            "geheim".to_owned(),
            format!("expected a URL that begins with `{scheme}://`"),
        ),
        (
            "http://u:geheim@h/db".to_owned(),
            format!("expected a URL that begins with `{scheme}://`"),
        ),
        (
            format!("{scheme}://u:geheim@h:99999/db"),
            "is not a URL that can be used".to_owned(),
        ),
        (
            format!("{scheme}://u:geheim@h/db?tls=on"),
            "unknown parameter `tls`".to_owned(),
        ),
        (
            format!("{scheme}://u:geheim@h/db?ssl-mode=perhaps"),
            "perhaps".to_owned(),
        ),
    ] {
        let error = refusal(&store, url).await;
        assert!(error.contains(&expected), "{error}");
    }
}

async fn wrong_password_and_unknown_database<S: Store>() {
    let store = S::fresh().await;
    let user = match S::SCHEME {
        "mysql" => "CREATE OR REPLACE USER known@'%' IDENTIFIED BY 'right'; GRANT ALL ON *.* TO known@'%'",
        _ => "DROP ROLE IF EXISTS known; CREATE ROLE known LOGIN PASSWORD 'right'",
    };
    store.run(user).await;
    let address = store.address();
    let scheme = S::SCHEME;
    let error = refusal(&store, format!("{scheme}://known:geheim@{address}")).await;
    assert!(
        error.contains("does not let user `known` in") && error.contains("check user name and password"),
        "{error}"
    );
    let error = refusal(&store, format!("{scheme}://known:right@{address}_missing")).await;
    assert!(
        error.contains("has no database `") && error.contains("CREATE DATABASE"),
        "{error}"
    );
}

async fn missing_rights_are_named<S: Store>() {
    let store = S::fresh().await;
    let address = store.address();
    let database = address.rsplit('/').next().unwrap_or_default().to_owned();
    let (make, least) = match S::SCHEME {
        "mysql" => (
            format!(
                "CREATE USER reader_{database}@'%' IDENTIFIED BY 'pw'; GRANT SELECT ON {database}.* TO reader_{database}@'%'"
            ),
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO reader_{database}@'%'"),
        ),
        _ => (
            format!(
                "CREATE ROLE reader_{database} LOGIN PASSWORD 'pw'; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO reader_{database}"
            ),
            format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON dynmcp_xds, dynmcp_changes, dynmcp_store, dynmcp_revision TO reader_{database}"
            ),
        ),
    };
    store.run(&make).await;
    let scheme = S::SCHEME;
    let url = format!("{scheme}://reader_{database}:pw@{address}");
    let error = refusal(&store, url.clone()).await;
    assert!(
        error.contains(&format!("user `reader_{database}` lacks a right")) && error.contains("GRANT "),
        "{error}"
    );
    // What the message says is enough once somebody else has migrated.
    drop(store.open().await);
    store.run(&least).await;
    let settings = Server {
        url: url.as_str().into(),
        ..store.settings()
    };
    let source = S::open_with(settings).await.unwrap();
    put(&*source, &Key::tool("a"), "{}").await;
    assert_eq!(contents(&*source).await, ["TDS a={}"]);
}

async fn what_is_not_text_is_refused<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    let key = Key::tool("a");
    let write = Write {
        key: &key,
        expected: Expected::Any,
        principal: "test",
    };
    let refused = source.put(write, (&b"{\"x\":\"\xff\"}"[..]).into()).await;
    assert!(
        matches!(&refused, Err(SourceError::Broken(reason)) if reason.contains("TDS `a` is not UTF-8")),
        "{refused:?}"
    );
    assert!(contents(&*source).await.is_empty());
}
