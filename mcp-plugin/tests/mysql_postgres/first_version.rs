//! A table of the first version is taken over in place.

use super::store::{Store, contents, on_both, put};
use mcp_common::{key::Key, testsuite::Follower};

on_both! {
    with_its_own_columns
    with_columns_of_other_types
    with_nothing_but_the_three_columns_that_matter
    with_ids_that_no_sequence_gives_out
}

/// The members of the first are in the order in which MySQL's own JSON keeps them: the shorter name first.
const ROWS: &str = "
    INSERT INTO dynmcp_xds (id, `key`, xds_type, xds_json, status, create_time, update_time) VALUES
        (1, 'a',   'TDS', '{\"z\": 1, \"aa\": 2}', 1, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (2, 'b',   'IDS', '2', 1, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (3, 'off', 'TDS', '3', 0, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (4, 'old', 'tds', '4', 1, '2025-01-02 03:04:05', '2025-01-03 03:04:05')";

async fn is_taken_over<S: Store>(table: &str) {
    let store = S::fresh().await;
    store.run(table).await;
    store.run(ROWS).await;
    let source = store.open().await;
    assert_eq!(
        contents(&*source).await,
        ["IDS b=2", "TDS a={\"z\": 1, \"aa\": 2}", "TDS old=4"]
    );
    let past = source.history(&Key::tool("old"), 9).await.unwrap();
    let seconds = |at: std::time::SystemTime| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(past[0].at.map(seconds), Some(1_735_873_445));

    let mut follower = Follower::start(&*source).await;
    for statement in [
        // A tool and an instance may share an id.
        "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('a', 'IDS', '7')",
        "UPDATE dynmcp_xds SET status = 1 WHERE `key` = 'off'",
        "UPDATE dynmcp_xds SET `key` = 'renamed' WHERE `key` = 'b' AND xds_type = 'IDS'",
    ] {
        store.run(statement).await;
    }
    put(&*source, &Key::tool("a"), "8").await;
    let expected = ["IDS a=7", "IDS renamed=2", "TDS a=8", "TDS off=3", "TDS old=4"];
    assert_eq!(contents(&*source).await, expected);
    follower.until(source.load().await.unwrap().revision).await;
    assert_eq!(follower.state.len(), expected.len());
    assert_eq!(store.number("SELECT COUNT(*) FROM dynmcp_xds").await, 5);

    drop(source);
    assert_eq!(contents(&*store.open().await).await, expected, "opened again");
}

async fn with_its_own_columns<S: Store>() {
    let id = match S::SCHEME {
        "mysql" => "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
        _ => "BIGSERIAL PRIMARY KEY",
    };
    let table = format!(
        "CREATE TABLE dynmcp_xds (id {id}, `key` VARCHAR(255) NOT NULL, xds_type VARCHAR(32) NOT NULL,
            xds_json TEXT NOT NULL, status SMALLINT NOT NULL DEFAULT 1,
            create_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
            update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, UNIQUE (`key`));"
    );
    match S::SCHEME {
        "mysql" => is_taken_over::<S>(&table).await,
        // Sequences know nothing of ids that were given.
        _ => is_taken_over::<S>(&format!("{table} SELECT setval('dynmcp_xds_id_seq', 10)")).await,
    }
}

async fn with_columns_of_other_types<S: Store>() {
    is_taken_over::<S>(match S::SCHEME {
        "mysql" => {
            "CREATE TABLE dynmcp_xds (id INT NOT NULL PRIMARY KEY, `key` VARCHAR(64) NOT NULL, xds_type VARCHAR(16) NOT NULL,
                xds_json JSON NOT NULL, status VARCHAR(8) NOT NULL, create_time DATETIME NOT NULL,
                update_time DATETIME NOT NULL, UNIQUE KEY `uk_key` (`key`)) ENGINE = MyISAM CHARACTER SET utf8mb3"
        }
        _ => {
            "CREATE TABLE dynmcp_xds (id INT PRIMARY KEY, `key` VARCHAR(64), xds_type VARCHAR(16),
                xds_json JSON, status VARCHAR(8), create_time TIMESTAMPTZ, update_time TIMESTAMPTZ);
             CREATE UNIQUE INDEX uk_key ON dynmcp_xds (`key`); SET TIME ZONE 'UTC'"
        }
    })
    .await;
}

async fn with_nothing_but_the_three_columns_that_matter<S: Store>() {
    let store = S::fresh().await;
    store
        .run("CREATE TABLE dynmcp_xds (`key` VARCHAR(99), xds_type VARCHAR(99), xds_json TEXT)")
        .await;
    store
        .run("INSERT INTO dynmcp_xds VALUES ('a', 'TDS', '1'), ('b', 'TDS', NULL), (NULL, 'TDS', '3')")
        .await;
    let source = store.open().await;
    put(&*source, &Key::tool("c"), "4").await;
    assert_eq!(contents(&*source).await, ["TDS a=1", "TDS b=", "TDS c=4"]);
    assert_eq!(source.load().await.unwrap().unreadable.len(), 1);
}

async fn with_ids_that_no_sequence_gives_out<S: Store>() {
    let store = S::fresh().await;
    store
        .run(
            "CREATE TABLE dynmcp_xds (id BIGINT PRIMARY KEY, `key` VARCHAR(255) NOT NULL, xds_type VARCHAR(32) NOT NULL,
                xds_json TEXT NOT NULL);
             INSERT INTO dynmcp_xds (id, `key`, xds_type, xds_json) VALUES (0, 'zero', 'TDS', '0'), (-1, 'less', 'TDS', '1')",
        )
        .await;
    let source = store.open().await;
    put(&*source, &Key::tool("new"), "2").await;
    assert_eq!(
        contents(&*source).await,
        ["TDS less=1", "TDS new=2", "TDS zero=0"]
    );
}
