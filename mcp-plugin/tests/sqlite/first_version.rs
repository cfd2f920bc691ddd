//! A table of the first version is taken over in place.

use super::file::{File, contents, put, run};
use mcp_common::{datasource::DataSource, key::Key, migration::Migrate, testsuite::Follower};
use mcp_plugin::datasource::sqlite::Sqlite;
use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};

const ROWS: &str = "
    INSERT INTO dynmcp_xds (id, key, xds_type, xds_json, status, create_time, update_time) VALUES
        (1, 'a',    'TDS', '1', 1, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (2, 'a',    'IDS', '2', 1, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (3, 'off',  'TDS', '3', 0, '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
        (4, 'a',    'tds', '4', 1, '2025-01-02 03:04:05', '2025-01-03 03:04:05'),
        (5, 'both', 'TDS', '5', 1, '2025-01-02 03:04:05', NULL),
        (6, 'both', 'TDS', '6', 0, '2025-01-02 03:04:05', NULL);";

async fn is_taken_over(table: &str) {
    let file = File::new();
    file.make_by_hand(&format!("{table}; {ROWS}")).await;
    let source = file.open().await;
    // Of two rows the younger active one counts.
    assert_eq!(contents(&source).await, ["IDS a=2", "TDS a=4", "TDS both=5"]);
    let past = source.history(&Key::tool("a"), 9).await.unwrap();
    assert_eq!(
        past.iter().map(|entry| entry.body.as_deref()).collect::<Vec<_>>(),
        [Some(&b"4"[..]), Some(b"1")]
    );
    let seconds = |at: std::time::SystemTime| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(past[0].at.map(seconds), Some(1_735_873_445));

    let mut follower = Follower::start(&source).await;
    let pipeline = file.pipeline().await;
    run(
        &pipeline,
        "INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('new', 'TDS', '7')",
    )
    .await;
    run(&pipeline, "UPDATE dynmcp_xds SET status = 1 WHERE key = 'off'").await;
    run(
        &pipeline,
        "UPDATE dynmcp_xds SET key = 'renamed' WHERE key = 'a' AND xds_type = 'IDS'",
    )
    .await;
    put(&source, &Key::tool("a"), "8").await;
    let expected = ["IDS renamed=2", "TDS a=8", "TDS both=5", "TDS new=7", "TDS off=3"];
    assert_eq!(contents(&source).await, expected);
    follower.until(source.load().await.unwrap().revision).await;
    assert_eq!(follower.state.len(), expected.len());

    drop(source);
    assert_eq!(contents(&file.open().await).await, expected, "opened again");
}

#[tokio::test]
async fn with_its_own_columns() {
    is_taken_over(
        "CREATE TABLE dynmcp_xds (id INTEGER PRIMARY KEY AUTOINCREMENT, key VARCHAR(255) NOT NULL,
            xds_type VARCHAR(32) NOT NULL, xds_json TEXT NOT NULL, status INT NOT NULL DEFAULT 1,
            create_time DATETIME DEFAULT CURRENT_TIMESTAMP, update_time DATETIME DEFAULT CURRENT_TIMESTAMP)",
    )
    .await;
}

#[tokio::test]
async fn as_a_converter_from_mysql_would_make_it() {
    is_taken_over(
        "CREATE TABLE dynmcp_xds (id BIGINT PRIMARY KEY, key VARCHAR(255), xds_type VARCHAR(32), xds_json LONGTEXT,
            status TINYINT DEFAULT 1, create_time TIMESTAMP, update_time TIMESTAMP)",
    )
    .await;
}

#[tokio::test]
async fn with_nothing_but_the_three_columns_that_matter() {
    let file = File::new();
    file.make_by_hand(
        "CREATE TABLE dynmcp_xds (key TEXT, xds_type TEXT, xds_json TEXT);
         INSERT INTO dynmcp_xds VALUES ('a', 'TDS', '1'), ('b', 'TDS', NULL), (NULL, 'TDS', '3')",
    )
    .await;
    let source = file.open().await;
    put(&source, &Key::tool("c"), "4").await;
    assert_eq!(contents(&source).await, ["TDS a=1", "TDS b=", "TDS c=4"]);
    assert_eq!(source.load().await.unwrap().unreadable.len(), 1);
}

/// The declaration of `status`, its values, and how many of these rows are served.
const SHAPES: [(&str, &[&str], &[bool]); 10] = [
    (
        "TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'syncing', 'synced'))",
        &["'pending'", "'syncing'", "'synced'"],
        &[true, true, true],
    ),
    (
        "VARCHAR(20) NOT NULL",
        &["'Synced'", "'draft'", "'1'"],
        &[true, false, true],
    ),
    ("CHAR(8)", &["' active '", "'off'", "NULL"], &[true, false, true]),
    ("TINYINT", &["1", "0", "2", "NULL"], &[true, false, false, true]),
    ("INT NOT NULL DEFAULT 1", &["1", "0"], &[true, false]),
    ("INT NOT NULL", &["1", "7"], &[true, false]),
    ("INT NOT NULL DEFAULT 0", &["1", "0"], &[true, false]),
    (
        "DECIMAL(5,2)",
        &["1", "0", "1.4", "0.5", "NULL"],
        &[true, false, false, false, true],
    ),
    (
        "REAL DEFAULT 1",
        &["1", "1.4", "0.5", "1e300"],
        &[true, false, false, false],
    ),
    (
        "",
        &["1", "'synced'", "1.0", "x'31'", "'1.4'", "'0.5'", "'1.0'"],
        &[true, true, true, true, false, false, true],
    ),
];

#[tokio::test]
async fn every_shape_of_status_is_read() {
    for (kind, values, served) in SHAPES {
        let file = File::new();
        let rows: Vec<_> = (values.iter().enumerate())
            .map(|(row, value)| format!("('t{row}', 'TDS', '{row}', {value})"))
            .collect();
        file.make_by_hand(&format!(
            "CREATE TABLE dynmcp_xds (key TEXT, xds_type TEXT, xds_json TEXT, status {kind});
             INSERT INTO dynmcp_xds (key, xds_type, xds_json, status) VALUES {}",
            rows.join(", ")
        ))
        .await;
        let on = |row: &usize| served[*row];
        let expected: Vec<_> = (0..values.len())
            .filter(on)
            .map(|row| format!("TDS t{row}={row}"))
            .collect();
        let off = values.len() - expected.len();
        let pending = Sqlite::migrate(file.settings(), Migrate::Check).await.unwrap();
        let said = &pending.steps[0];
        assert_eq!(said.contains("switched off"), off > 0, "{kind}: {said}");
        assert!(off == 0 || said.contains(&format!("; {off} ")), "{kind}: {said}");
        let source = file.open().await;
        assert_eq!(contents(&source).await, expected, "{kind}");
        assert_eq!(source.disabled().await.unwrap(), off as u64, "{kind}");
        if kind == "INT NOT NULL" || kind == "VARCHAR(20) NOT NULL" {
            continue;
        }
        let pipeline = file.pipeline().await;
        run(
            &pipeline,
            "INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('raw', 'TDS', 'raw')",
        )
        .await;
        assert_eq!(contents(&source).await.len(), expected.len() + 1, "{kind}");
    }
}

/// A column of SQLite takes what is no integer, whatever its type is.
#[tokio::test]
async fn a_fraction_that_comes_later_is_not_its_whole_part() {
    let file = File::new();
    let source = file.open().await;
    put(&source, &Key::tool("a"), "1").await;
    let pipeline = file.pipeline().await;
    let table: [(&str, &[&str]); 6] = [
        ("UPDATE dynmcp_xds SET status = 1.4", &[]),
        ("UPDATE dynmcp_xds SET status = 0.5", &[]),
        ("UPDATE dynmcp_xds SET status = 1.0", &["TDS a=1"]),
        ("UPDATE dynmcp_xds SET status = '1.4'", &[]),
        ("UPDATE dynmcp_xds SET status = '1'", &["TDS a=1"]),
        (
            "INSERT INTO dynmcp_xds (key, xds_type, xds_json, status) VALUES ('b', 'TDS', '2', 1.4), ('c', 'TDS', '3', '1.0')",
            &["TDS a=1", "TDS c=3"],
        ),
    ];
    for (statement, expected) in table {
        run(&pipeline, statement).await;
        assert_eq!(contents(&source).await, expected, "{statement}");
    }
    assert_eq!(source.disabled().await.unwrap(), 1);
}

#[tokio::test]
async fn a_store_of_before_stops_serving_rows_by_their_whole_part() {
    let file = File::new();
    file.make_by_hand("SELECT 1").await;
    let pipeline = file.pipeline().await;
    let sql = SqlStr::from_static(include_str!(
        "../../../migrations/sqlite/0001_definitions_and_changes.sql"
    ));
    let first = Migration::new(
        1,
        "definitions and changes".into(),
        MigrationType::Simple,
        sql,
        false,
    );
    let mut connection = pipeline.acquire().await.unwrap();
    Migrator::with_migrations(vec![first])
        .run_direct(None, &mut *connection, false)
        .await
        .unwrap();
    drop(connection);
    run(
        &pipeline,
        "INSERT INTO dynmcp_xds (key, xds_type, xds_json, status) VALUES ('a', 'TDS', '1', 1), ('b', 'TDS', '2', 1.4), ('c', 'TDS', '3', 0)",
    )
    .await;
    let pending = Sqlite::migrate(file.settings(), Migrate::Check).await.unwrap();
    assert_eq!(
        (pending.found, &*pending.steps),
        (Some(1), &["0002_fractions_of_status".to_owned()][..])
    );
    let source = file.open().await;
    assert_eq!(contents(&source).await, ["TDS a=1"]);
    assert_eq!(source.disabled().await.unwrap(), 2);
    let past = source.history(&Key::tool("b"), 9).await.unwrap();
    assert_eq!(past.len(), 2, "{past:?}");
}
