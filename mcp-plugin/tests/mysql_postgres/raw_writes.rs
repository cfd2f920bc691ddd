//! A platform team's plain SQL, in all the ways it can be written.

use super::store::{Store, contents, on_both, put};
use mcp_common::{
    datasource::{Expected, Write},
    key::Key,
    testsuite::Follower,
};

on_both! {
    every_statement_leaves_the_log_as_the_table_is
    touching_the_time_stamp_is_no_change
    a_disabled_row_is_absent_and_a_put_enables_it
    the_gateways_writes_are_plain_rows_and_raw_ones_have_no_principal
    odd_rows_are_reported_and_disturb_nothing
    the_command_line_client_is_an_equal_citizen
}

const INSERT: &str = "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES";

async fn every_statement_leaves_the_log_as_the_table_is<S: Store>() {
    let upsert = format!("{INSERT} ('b', 'TDS', '5'), ('n', 'TDS', '5') {}", S::OR_UPDATE);
    let statements: [(&str, &[&str]); 12] = [
        (
            "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('a', 'TDS', '1'), ('b', 'ids', '2')",
            &["IDS b=2", "TDS a=1"],
        ),
        (
            "UPDATE dynmcp_xds SET `key` = 'A' WHERE `key` = 'a'",
            &["IDS b=2", "TDS A=1"],
        ),
        (
            "UPDATE dynmcp_xds SET `key` = 'c' WHERE `key` = 'A'",
            &["IDS b=2", "TDS c=1"],
        ),
        (
            "UPDATE dynmcp_xds SET xds_type = 'TDS' WHERE `key` = 'b'",
            &["TDS b=2", "TDS c=1"],
        ),
        ("UPDATE dynmcp_xds SET xds_json = 'x'", &["TDS b=x", "TDS c=x"]),
        ("UPDATE dynmcp_xds SET xds_json = 'X'", &["TDS b=X", "TDS c=X"]),
        ("UPDATE dynmcp_xds SET status = 0 WHERE `key` = 'b'", &["TDS c=X"]),
        (
            "UPDATE dynmcp_xds SET xds_json = '4' WHERE `key` = 'b'",
            &["TDS c=X"],
        ),
        (
            "UPDATE dynmcp_xds SET status = 1 WHERE `key` = 'b'",
            &["TDS b=4", "TDS c=X"],
        ),
        (&upsert, &["TDS b=5", "TDS c=X", "TDS n=5"]),
        (
            "BEGIN; DELETE FROM dynmcp_xds; INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('e', 'TDS', '8'); ROLLBACK",
            &["TDS b=5", "TDS c=X", "TDS n=5"],
        ),
        ("DELETE FROM dynmcp_xds", &[]),
    ];
    let store = S::fresh().await;
    let source = store.open().await;
    let mut follower = Follower::start(&*source).await;
    for (statement, expected) in statements {
        store.run(statement).await;
        assert_eq!(contents(&*source).await, expected, "{statement}");
        let load = source.load().await.unwrap();
        follower.until(load.revision).await;
        let records = load
            .records
            .into_iter()
            .map(|record| (record.key, (record.revision, record.body)));
        assert_eq!(follower.state, records.collect(), "{statement}");
    }
}

async fn touching_the_time_stamp_is_no_change<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    let revision = put(&*source, &Key::tool("a"), "{}").await;
    store
        .run("UPDATE dynmcp_xds SET update_time = CURRENT_TIMESTAMP")
        .await;
    assert_eq!(source.load().await.unwrap().revision, revision);
}

async fn a_disabled_row_is_absent_and_a_put_enables_it<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    store
        .run("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json, status) VALUES ('a', 'tds', '{}', 0)")
        .await;
    let key = Key::tool("a");
    let write = || Write {
        key: &key,
        expected: Expected::Absent,
        principal: "test",
    };
    assert_eq!(source.delete(write()).await.unwrap(), None);
    source.put(write(), "[]".into()).await.unwrap();
    assert_eq!(contents(&*source).await, ["TDS a=[]"]);
    let rows = store.number("SELECT COUNT(*) FROM dynmcp_xds").await;
    assert_eq!(rows, 1, "the row was found although its type is in lower case");
}

async fn the_gateways_writes_are_plain_rows_and_raw_ones_have_no_principal<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    let key = Key::tool("a");
    put(&*source, &key, "{\"x\":1}").await;
    let plain = "SELECT COUNT(*) FROM dynmcp_xds
        WHERE `key` = 'a' AND xds_type = 'TDS' AND xds_json = '{\"x\":1}' AND status = 1";
    assert_eq!(store.number(plain).await, 1);
    store.run("UPDATE dynmcp_xds SET xds_json = '{}'").await;
    let history = source.history(&key, 9).await.unwrap();
    let by: Vec<_> = history.iter().map(|entry| entry.principal.as_deref()).collect();
    assert_eq!(by, [None, Some("test")]);
    assert!(
        history
            .iter()
            .all(|entry| entry.at.is_some_and(|at| at.elapsed().unwrap().as_secs() < 60))
    );
}

async fn odd_rows_are_reported_and_disturb_nothing<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    store
        .run(&format!(
            "{INSERT} ('a', 'ZDS', '{{}}'), ('', 'TDS', '{{}}'), ('7', 'TDS', 'not JSON')"
        ))
        .await;
    assert_eq!(contents(&*source).await, ["TDS 7=not JSON"]);
    let mut unreadable = source.load().await.unwrap().unreadable;
    unreadable.sort_by_key(|entry| entry.revision);
    let found: Vec<_> = unreadable
        .iter()
        .map(|entry| format!("{}: {}", entry.place, entry.reason))
        .collect();
    assert!(
        found[0].contains("key `a`, xds_type `ZDS`: xds_type is not SDS (a secret), UDS (an upstream), TDS"),
        "{found:?}"
    );
    assert!(found[1].contains("the key is empty"), "{found:?}");
}

async fn the_command_line_client_is_an_equal_citizen<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    let mut follower = Follower::start(&*source).await;
    store.client(
        "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('grüße', 'TDS', '{\"x\":\"天气 😀\"}')",
    );
    let body = "{\"x\":\"天气 😀\"}".as_bytes();
    follower
        .until_that(|f| f.body(&Key::tool("grüße")) == Some(body), "the insert")
        .await;
    store.client("UPDATE dynmcp_xds SET `key` = 'b', xds_json = '[]' WHERE `key` = 'grüße'");
    store.client("DELETE FROM dynmcp_xds WHERE `key` = 'b'");
    follower.until(source.load().await.unwrap().revision).await;
    assert!(follower.state.is_empty());
}
