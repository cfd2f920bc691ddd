//! What cannot work is said at the start, in one line that names the file and what to do.

use super::file::{File, put};
use mcp_common::key::Key;
use mcp_plugin::datasource::sqlite::{Sqlite, SqliteSettings};
use std::{
    io::{Seek, SeekFrom, Write},
    path::PathBuf,
};

async fn refusal(file: &File, path: PathBuf) -> String {
    let settings = SqliteSettings {
        path: path.clone(),
        ..file.settings()
    };
    let Err(error) = Sqlite::open(settings).await else {
        panic!("{} was opened", path.display())
    };
    let error = error.to_string();
    assert!(
        error.starts_with("data_source.sqlite.path: ") && !error.contains('\n'),
        "{error}"
    );
    error
}

#[tokio::test]
async fn places_that_cannot_be_written() {
    let file = File::new();
    let directory = file.path().parent().unwrap().to_owned();
    std::fs::create_dir_all(directory.join("sub")).unwrap();
    std::fs::write(directory.join("plain"), "").unwrap();

    let below_a_file = refusal(&file, directory.join("plain/x.db")).await;
    assert!(below_a_file.contains("plain` cannot be made"), "{below_a_file}");
    let in_proc = refusal(&file, "/proc/none/x.db".into()).await;
    assert!(in_proc.contains("`/proc/none` cannot be made"), "{in_proc}");
    let read_only_directory = refusal(&file, "/proc/x.db".into()).await;
    assert!(
        read_only_directory.contains("`/proc/x.db` cannot be opened or made"),
        "{read_only_directory}"
    );
    let a_directory = refusal(&file, directory.join("sub")).await;
    assert!(
        a_directory.contains("sub` cannot be opened or made; it must be a file"),
        "{a_directory}"
    );
}

#[tokio::test]
async fn files_that_are_something_else() {
    let file = File::new();
    std::fs::create_dir_all(file.path().parent().unwrap()).unwrap();
    let text = "port = 8080\n".repeat(100);
    std::fs::write(file.path(), &text).unwrap();
    let error = refusal(&file, file.path()).await;
    assert!(
        error.contains("dynmcp.db` is not a SQLite database; move it away"),
        "{error}"
    );
    assert_eq!(
        std::fs::read_to_string(file.path()).unwrap(),
        text,
        "a foreign file is left as it is"
    );

    let file = File::new();
    file.make_by_hand("CREATE TABLE dynmcp_xds (id INTEGER, name TEXT)")
        .await;
    let error = refusal(&file, file.path()).await;
    assert!(
        error.contains("its table dynmcp_xds has no column `key`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_file() {
    let file = File::new();
    let source = file.open().await;
    for number in 0..200 {
        put(&source, &Key::tool(format!("t{number}")), &"x".repeat(500)).await;
    }
    drop(source);
    let pipeline = file.pipeline().await;
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&pipeline)
        .await
        .unwrap();
    pipeline.close().await;
    let length = std::fs::metadata(file.path()).unwrap().len();
    let mut bytes = std::fs::OpenOptions::new().write(true).open(file.path()).unwrap();
    bytes.seek(SeekFrom::Start(length / 3)).unwrap();
    bytes
        .write_all(&vec![0xa5; usize::try_from(length / 3).unwrap()])
        .unwrap();
    drop(bytes);
    let error = refusal(&file, file.path()).await;
    assert!(
        error.contains("dynmcp.db` is damaged (") && error.contains("put a backup in its place"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_of_a_newer_version() {
    let file = File::new();
    drop(file.open().await);
    file.make_by_hand(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'the future', TRUE, x'00', 0)",
    )
    .await;
    let error = refusal(&file, file.path()).await;
    assert!(
        error.contains("was written by a newer version of DynMCP"),
        "{error}"
    );
}
