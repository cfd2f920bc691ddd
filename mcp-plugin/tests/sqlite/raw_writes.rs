//! A platform team's plain SQL, in all the ways it can be written.

use super::file::{File, contents, put, run};
use mcp_common::{
    datasource::{DataSource, Expected, Write},
    key::Key,
    testsuite::Follower,
};

const INSERT: &str = "INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES";

#[tokio::test]
async fn every_statement_leaves_the_log_as_the_table_is() {
    let statements: [(&'static str, &[&str]); 15] = [
        (
            "INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('a', 'TDS', '1'), ('b', 'ids', '2')",
            &["IDS b=2", "TDS a=1"],
        ),
        (
            "UPDATE dynmcp_xds SET key = 'c' WHERE key = 'a'",
            &["IDS b=2", "TDS c=1"],
        ),
        (
            "UPDATE dynmcp_xds SET xds_type = 'TDS' WHERE key = 'b'",
            &["TDS b=2", "TDS c=1"],
        ),
        ("UPDATE dynmcp_xds SET xds_json = '3'", &["TDS b=3", "TDS c=3"]),
        ("UPDATE dynmcp_xds SET status = 0 WHERE key = 'b'", &["TDS c=3"]),
        (
            "UPDATE dynmcp_xds SET xds_json = '4' WHERE key = 'b'",
            &["TDS c=3"],
        ),
        (
            "UPDATE dynmcp_xds SET status = 1 WHERE key = 'b'",
            &["TDS b=4", "TDS c=3"],
        ),
        (
            "INSERT INTO dynmcp_xds (key, xds_type, xds_json, status) VALUES ('off', 'TDS', '0', 0)",
            &["TDS b=4", "TDS c=3"],
        ),
        (
            "INSERT OR REPLACE INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('b', 'tds', '5')",
            &["TDS b=5", "TDS c=3"],
        ),
        (
            "INSERT OR REPLACE INTO dynmcp_xds (id, key, xds_type, xds_json) VALUES ((SELECT id FROM dynmcp_xds WHERE key = 'c'), 'd', 'TDS', '6')",
            &["TDS b=5", "TDS d=6"],
        ),
        (
            "UPDATE OR REPLACE dynmcp_xds SET id = (SELECT id FROM dynmcp_xds WHERE key = 'd') WHERE key = 'b'",
            &["TDS b=5"],
        ),
        (
            "INSERT OR IGNORE INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('b', 'TDS', '7')",
            &["TDS b=5"],
        ),
        (
            "BEGIN; DELETE FROM dynmcp_xds; INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('e', 'TDS', '8'); ROLLBACK",
            &["TDS b=5"],
        ),
        (
            "BEGIN; DELETE FROM dynmcp_xds; INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('e', 'TDS', x'39'); COMMIT",
            &["TDS e=9"],
        ),
        ("DELETE FROM dynmcp_xds", &[]),
    ];
    let file = File::new();
    let source = file.open().await;
    let mut follower = Follower::start(&source).await;
    let pipeline = file.pipeline().await;
    for (statement, expected) in statements {
        run(&pipeline, statement).await;
        assert_eq!(contents(&source).await, expected, "{statement}");
        let load = source.load().await.unwrap();
        follower.until(load.revision).await;
        let records = load
            .records
            .into_iter()
            .map(|record| (record.key, (record.revision, record.body)));
        assert_eq!(follower.state, records.collect(), "{statement}");
    }
}

#[tokio::test]
async fn touching_the_time_stamp_is_no_change() {
    let file = File::new();
    let source = file.open().await;
    let revision = put(&source, &Key::tool("a"), "{}").await;
    run(
        &file.pipeline().await,
        "UPDATE dynmcp_xds SET update_time = CURRENT_TIMESTAMP",
    )
    .await;
    assert_eq!(source.load().await.unwrap().revision, revision);
}

#[tokio::test]
async fn a_disabled_row_is_absent_and_a_put_enables_it() {
    let file = File::new();
    let source = file.open().await;
    let pipeline = file.pipeline().await;
    run(
        &pipeline,
        "INSERT INTO dynmcp_xds (key, xds_type, xds_json, status) VALUES ('a', 'tds', '{}', 0)",
    )
    .await;
    let key = Key::tool("a");
    let write = || Write {
        key: &key,
        expected: Expected::Absent,
        principal: "test",
    };
    assert_eq!(source.delete(write()).await.unwrap(), None);
    source.put(write(), "[]".into()).await.unwrap();
    assert_eq!(contents(&source).await, ["TDS a=[]"]);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM dynmcp_xds")
        .fetch_one(&pipeline)
        .await
        .unwrap();
    assert_eq!(rows, 1, "the row was found although its type is in lower case");
}

#[tokio::test]
async fn the_gateways_writes_are_plain_rows_and_raw_ones_have_no_principal() {
    let file = File::new();
    let source = file.open().await;
    let pipeline = file.pipeline().await;
    let key = Key::tool("a");
    put(&source, &key, "{\"x\":1}").await;
    let row: (String, String, String, i64) =
        sqlx::query_as("SELECT key, xds_type, xds_json, status FROM dynmcp_xds")
            .fetch_one(&pipeline)
            .await
            .unwrap();
    assert_eq!(row, ("a".to_owned(), "TDS".to_owned(), "{\"x\":1}".to_owned(), 1));
    run(&pipeline, "UPDATE dynmcp_xds SET xds_json = '{}'").await;
    let history = source.history(&key, 9).await.unwrap();
    let by: Vec<_> = history.iter().map(|entry| entry.principal.as_deref()).collect();
    assert_eq!(by, [None, Some("test")]);
    assert!(
        history
            .iter()
            .all(|entry| entry.at.is_some_and(|at| at.elapsed().unwrap().as_secs() < 60))
    );
}

#[tokio::test]
async fn odd_rows_are_reported_and_disturb_nothing() {
    let file = File::new();
    let source = file.open().await;
    let pipeline = file.pipeline().await;
    for values in [
        "('a', 'ZDS', '{}')",
        "('', 'TDS', '{}')",
        "(CAST(x'ff' AS TEXT), 'IDS', '{}')",
        "(7, 'TDS', 8)",
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{INSERT} {values}")))
            .execute(&pipeline)
            .await
            .unwrap();
    }
    assert_eq!(contents(&source).await, ["TDS 7=8"]);
    let unreadable = source.load().await.unwrap().unreadable;
    let found: Vec<_> = unreadable
        .iter()
        .map(|entry| format!("{}: {}", entry.place, entry.reason))
        .collect();
    assert!(
        found[0].contains("key `a`, xds_type `ZDS`: xds_type is not SDS (a secret), UDS (an upstream), TDS"),
        "{found:?}"
    );
    assert!(
        found[1].contains("the key is empty") && found[2].contains("the key is not UTF-8"),
        "{found:?}"
    );
}
