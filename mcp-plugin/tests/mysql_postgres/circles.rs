//! Statements of one row that wait for the counter at the same time: none of them waits for another in a circle.

use super::{
    mariadb::OnMariaDb,
    store::{Pipeline, Store, contents},
};
use mcp_common::datasource::DataSource;
use std::{sync::Arc, time::Duration};

/// Those of this database's sessions that wait for a row.
const WAITING: &str = "SELECT COUNT(*) FROM information_schema.innodb_trx AS waiting
    JOIN information_schema.processlist AS session ON session.id = waiting.trx_mysql_thread_id
    WHERE waiting.trx_state = 'LOCK WAIT' AND session.db = DATABASE()";

async fn begun(store: &OnMariaDb, waiting: i64) {
    let all_wait = async {
        while store.number(WAITING).await < waiting {
            // The server looks anew only when nobody asked for a tenth of a second.
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all_wait)
        .await
        .expect("the statements wait");
}

/// Rows `a` and `z`, and a session that holds the counter.
async fn held() -> (OnMariaDb, Arc<dyn DataSource>, Box<dyn Pipeline>) {
    let store = OnMariaDb::fresh().await;
    let source = store.open().await;
    store
        .run("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('a', 'TDS', '1'), ('z', 'TDS', '1')")
        .await;
    let mut holder = store.pipeline().await;
    holder
        .run("BEGIN; UPDATE dynmcp_xds SET xds_json = '2' WHERE xds_type = 'TDS' AND `key` = 'z'")
        .await;
    (store, source, holder)
}

/// Carries them out at once, each begun in this order while the counter is held.
async fn all_come_through(statements: [&'static str; 2], expected: &[&str]) {
    let (store, source, mut holder) = held().await;
    let mut writing = tokio::task::JoinSet::new();
    for (begun_before, statement) in (0..).zip(statements) {
        begun(&store, begun_before).await;
        let mut session = store.pipeline().await;
        writing.spawn(async move { session.run(statement).await });
    }
    begun(&store, 2).await;
    holder.run("COMMIT").await;
    writing.join_all().await;
    assert_eq!(contents(&*source).await, expected);
}

/// An INSERT that took the counter before its row met an UPDATE that had the row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_insert_and_an_update_of_one_row() {
    all_come_through(
        [
            "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('a', 'TDS', '3')
                ON DUPLICATE KEY UPDATE xds_json = VALUES(xds_json)",
            "UPDATE dynmcp_xds SET xds_json = '4' WHERE xds_type = 'TDS' AND `key` = 'a'",
        ],
        &["TDS a=4", "TDS z=2"],
    )
    .await;
}

/// An UPDATE that had to look through all rows met one that had just come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_by_key_and_an_insert_of_another_row() {
    all_come_through(
        [
            "UPDATE dynmcp_xds SET xds_json = '3' WHERE `key` = 'a'",
            "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('zz', 'TDS', '4')",
        ],
        &["TDS a=3", "TDS z=2", "TDS zz=4"],
    )
    .await;
}
