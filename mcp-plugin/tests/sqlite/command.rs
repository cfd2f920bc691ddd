//! `dynmcp migrate`, and gateways that leave the tables to it.

use super::file::{File, contents, put};
use mcp_common::{datasource::DataSource, key::Key, migration::Migrate};
use mcp_plugin::datasource::sqlite::{Migrations, Sqlite, SqliteSettings};
use std::time::Duration;

fn never(file: &File) -> SqliteSettings {
    SqliteSettings {
        migrate: Migrations::Never,
        ..file.settings()
    }
}

async fn refusal(settings: SqliteSettings) -> String {
    match Sqlite::open(settings).await {
        Ok(_) => panic!("was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_check_changes_nothing_and_a_gateway_that_may_not_migrate_waits_for_it() {
    let file = File::new();
    let pending = Sqlite::migrate(file.settings(), Migrate::Check).await.unwrap();
    assert_eq!((pending.found, pending.steps.len(), pending.wanted), (None, 2, 2));
    let error = refusal(never(&file)).await;
    assert!(
        error.starts_with("data_source.sqlite.migrate: is `never`, but `")
            && error.contains("has no complete tables of DynMCP; run `dynmcp migrate`"),
        "{error}"
    );
    assert!(!file.path().parent().unwrap().exists());

    let done = Sqlite::migrate(file.settings(), Migrate::Apply).await.unwrap();
    assert_eq!(done, pending);
    let source = Sqlite::open(never(&file)).await.unwrap();
    put(&source, &Key::tool("a"), "{}").await;
    // Beside the gateway that has it open.
    for what in [Migrate::Apply, Migrate::Check] {
        let again = Sqlite::migrate(file.settings(), what).await.unwrap();
        assert_eq!((again.found, again.steps.len()), (Some(2), 0));
    }
    put(&source, &Key::tool("b"), "{}").await;
    assert_eq!(contents(&source).await, ["TDS a={}", "TDS b={}"]);
}

#[tokio::test]
async fn a_file_of_before_lacks_the_table_of_entries_that_end() {
    let file = File::new();
    // A gateway that makes its tables makes this one, too.
    drop(file.open().await);
    let up_to_date = Sqlite::migrate(file.settings(), Migrate::Check).await.unwrap();
    assert_eq!(up_to_date.steps, [""; 0]);
    super::file::run(&file.pipeline().await, "DROP TABLE dynmcp_leases").await;
    let source = Sqlite::open(never(&file)).await.unwrap();
    put(&source, &Key::tool("a"), "{}").await;
    let leases = source.leases().unwrap();
    let problems = [
        leases.all().await.unwrap_err(),
        leases
            .write("a", "{}".into(), None, Duration::from_secs(60))
            .await
            .unwrap_err(),
        leases.changed(0).await.unwrap_err(),
    ];
    for problem in problems {
        let problem = problem.to_string();
        assert!(
            problem.contains("no such table")
                && problem.contains("`dynmcp migrate` makes the table dynmcp_leases"),
            "{problem}"
        );
    }
    let expected = ["the table dynmcp_leases, of entries that end"];
    for what in [Migrate::Check, Migrate::Apply] {
        let pending = Sqlite::migrate(file.settings(), what).await.unwrap();
        assert_eq!(
            (pending.found, &*pending.steps),
            (Some(2), &expected.map(str::to_owned)[..])
        );
    }
    assert_eq!(
        Sqlite::migrate(file.settings(), Migrate::Check)
            .await
            .unwrap()
            .steps,
        [""; 0]
    );
    assert_eq!(leases.all().await.unwrap().entries, []);
}

#[tokio::test]
async fn a_table_that_is_there_is_named_with_its_rows() {
    let file = File::new();
    file.make_by_hand(
        "CREATE TABLE dynmcp_xds (key TEXT, xds_type TEXT, xds_json TEXT);
         INSERT INTO dynmcp_xds VALUES ('a', 'TDS', '1')",
    )
    .await;
    let before = std::fs::read(file.path()).unwrap();
    let pending = Sqlite::migrate(file.settings(), Migrate::Check).await.unwrap();
    assert_eq!(pending.steps[0], "taking over the table dynmcp_xds, 1 row");
    assert!(before == std::fs::read(file.path()).unwrap(), "it was written");
    let refused = refusal(never(&file)).await;
    assert!(refused.contains("run `dynmcp migrate`"), "{refused}");
    Sqlite::migrate(file.settings(), Migrate::Apply).await.unwrap();
    assert_eq!(contents(&file.open().await).await, ["TDS a=1"]);
}

#[tokio::test]
async fn a_newer_version_and_no_database_are_named() {
    let file = File::new();
    drop(file.open().await);
    let pipeline = file.pipeline().await;
    super::file::run(
        &pipeline,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (7, '', 1, x'00', 0)",
    )
    .await;
    let newer = "was written by a newer version of DynMCP (schema 7)";
    for what in [Migrate::Check, Migrate::Apply] {
        let error = Sqlite::migrate(file.settings(), what).await.unwrap_err();
        assert!(error.to_string().contains(newer), "{error}");
    }
    assert!(refusal(never(&file)).await.contains(newer));

    let file = File::new();
    std::fs::create_dir_all(file.path().parent().unwrap()).unwrap();
    std::fs::write(
        file.path(),
        "no database, but longer than a header has to be ".repeat(9),
    )
    .unwrap();
    for what in [Migrate::Check, Migrate::Apply] {
        let error = Sqlite::migrate(file.settings(), what).await.unwrap_err();
        assert!(error.to_string().contains("is not a SQLite database"), "{error}");
    }
}
