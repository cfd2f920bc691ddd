//! Files and folders that cannot be read: said where, and nothing is lost.

use super::folder::{Folder, Reader, tool};
use mcp_common::plugin::DataSourceFactory;
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::Key,
};
use mcp_plugin::datasource::file::{FileFactory, FileSettings, Files};
use std::{
    fs,
    time::{Duration, Instant},
};

#[tokio::test]
async fn a_broken_file_keeps_what_it_had() {
    let folder = Folder::new();
    folder.write("good.json", &tool("c"));
    folder.write(
        "two.yaml",
        "kind: tds\nid: a\nn: 1\n---\nkind: tds\nid: b\nn: 1\n",
    );
    let source = folder.open();
    let mut reader = Reader::of(&source).await;
    assert_eq!(reader.tools(), ["a", "b", "c"]);

    folder.write(
        "two.yaml",
        "kind: tds\nid: a\nn: 2\n---\nkind: tds\nid: b\nn: [1, 2\n",
    );
    reader
        .until("the fault", |reader| !reader.unreadable().is_empty())
        .await;
    let (place, reason) = &reader.unreadable()[0];
    assert!(
        place == "two.yaml:8" && reason.starts_with("no valid YAML at column"),
        "{place} {reason}"
    );
    assert_eq!(reader.tools(), ["a", "b", "c"]);
    assert_eq!(reader.text(&Key::tool("a")), Some("{\"id\":\"a\",\"n\":1}"));

    // One document without its id: the others count, and what is missing is kept.
    folder.write("two.yaml", "kind: tds\nid: a\nn: 3\n---\nkind: tds\nn: 3\n");
    reader
        .until("the half repair", |reader| {
            reader.text(&Key::tool("a")) == Some("{\"id\":\"a\",\"n\":3}")
        })
        .await;
    assert_eq!(reader.tools(), ["a", "b", "c"]);
    let (place, reason) = &reader.unreadable()[0];
    assert!(
        place == "two.yaml:5" && reason.starts_with("has no `id`"),
        "{place} {reason}"
    );

    // Emptied by a save that went wrong, and then repaired.
    folder.write("two.yaml", "");
    reader
        .until("the empty file", |reader| {
            reader.unreadable().iter().any(|(_, r)| r.contains("empty"))
        })
        .await;
    assert_eq!(reader.tools(), ["a", "b", "c"]);
    folder.write("two.yaml", "kind: tds\nid: a\nn: 4\n");
    reader
        .until("the repair", |reader| reader.tools() == ["a", "c"])
        .await;
    reader
        .until("no fault any more", |reader| reader.unreadable().is_empty())
        .await;
    assert!(source.load().await.unwrap().unreadable.is_empty());
}

#[tokio::test]
async fn at_the_start_everything_else_is_served() {
    let folder = Folder::new();
    folder.write("bad.toml", "a = \n");
    folder.write(
        "half.json",
        "[{\"id\": \"b\", \"tool_ids\": []},\n {\"id\": \"x\"}]",
    );
    folder.write("good.json", &tool("a"));
    fs::write(folder.path("latin1.yaml"), b"id: x\nname: gr\xfc\xdfe\n").unwrap();
    folder.write("README.md", "no definition");
    folder.write("..hidden/x.json", &tool("hidden"));
    let reader = Reader::of(&folder.open()).await;
    let keys: Vec<_> = reader.follower.state.keys().cloned().collect();
    assert_eq!(keys, [Key::tool("a"), Key::instance("b")]);
    let places: Vec<_> = reader.unreadable().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["bad.toml:1", "half.json:2", "latin1.yaml:2"]);
}

#[tokio::test]
async fn a_folder_that_goes_away_takes_nothing_with_it() {
    let mut folder = Folder::new();
    folder.poll = Duration::from_millis(100);
    folder.write("a.json", &tool("a"));
    let source = folder.open();
    let load = source.load().await.unwrap();
    let away = folder.path("").with_file_name("away");
    fs::rename(folder.path(""), &away).unwrap();
    until("it is missed", async || source.load().await.is_err()).await;
    let Err(error) = source.load().await else {
        panic!("loaded")
    };
    assert!(
        matches!(&error, SourceError::Unavailable(reason) if reason.contains("definitions")),
        "{error}"
    );
    assert!(source.watch(load.revision).await.is_err());
    fs::write(away.join("b.json"), tool("b")).unwrap();
    fs::rename(&away, folder.path("")).unwrap();
    until("it is back", async || {
        source.load().await.is_ok_and(|load| load.records.len() == 2)
    })
    .await;
    let resumed = source.watch(load.revision).await;
    assert!(resumed.is_ok(), "what was known still counts");
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn wrong_settings_are_said_at_the_start() {
    let folder = Folder::new();
    let refusal = async |settings: serde_json::Value| match FileFactory.open(&settings).await {
        Ok(_) => panic!("{settings} was opened"),
        Err(error) => error.to_string(),
    };
    let missing = refusal(serde_json::json!({"path": folder.path("")})).await;
    assert!(
        missing.starts_with("data_source.file.path: `") && missing.contains("make the folder"),
        "{missing}"
    );
    let file = folder.write("file", "");
    let a_file = refusal(serde_json::json!({"path": file})).await;
    assert!(a_file.contains("is no folder"), "{a_file}");
    let cannot = refusal(serde_json::json!({"path": file.join("x"), "writable": true})).await;
    assert!(cannot.contains("cannot be made"), "{cannot}");
    let typo = refusal(serde_json::json!({"pth": "x"})).await;
    assert!(
        typo.contains("no such setting; there are: path, writable, poll_ms, history"),
        "{typo}"
    );
}

/// A restarted process cannot tell what happened before: consumers load again.
#[tokio::test]
async fn a_restart_is_no_gap() {
    let folder = Folder::new();
    folder.write("a.json", &tool("a"));
    let before = folder.open().load().await.unwrap();
    let source: Files = folder.open();
    let after = source.load().await.unwrap();
    assert!(after.revision > before.revision);
    assert!(matches!(
        source.watch(before.revision).await,
        Err(SourceError::HistoryLost { .. })
    ));
    assert_eq!(
        FileSettings::read(&serde_json::json!({})).unwrap().poll,
        Duration::from_secs(5)
    );
}
