//! Several documents with one id.

use super::folder::{Folder, Reader};
use mcp_common::key::Key;
use std::fs;

fn document(number: usize) -> String {
    format!("{{\"kind\": \"tds\", \"id\": \"a\", \"n\": {number}}}")
}

#[tokio::test]
async fn the_first_by_path_counts_and_the_others_are_named() {
    let folder = Folder::new();
    folder.write("b/x.json", &document(2));
    folder.write("c.json", &format!("[{},\n{}]", document(3), document(4)));
    let source = folder.open();
    let mut reader = Reader::of(&source).await;
    let key = Key::tool("a");
    assert_eq!(reader.text(&key), Some("{\"id\":\"a\",\"n\":2}"));
    let places =
        |reader: &Reader| -> Vec<_> { reader.unreadable().into_iter().map(|(place, _)| place).collect() };
    assert_eq!(places(&reader), ["c.json:1", "c.json:2"]);
    let reason = &reader.unreadable()[0].1;
    assert!(
        reason.contains("TDS `a` stands in") && reason.contains("b/x.json:1"),
        "{reason}"
    );

    folder.write("a.json", &document(1));
    reader
        .until("the new first", |reader| {
            reader.text(&key) == Some("{\"id\":\"a\",\"n\":1}")
        })
        .await;
    assert_eq!(places(&reader), ["b/x.json:1", "c.json:1", "c.json:2"]);
    fs::remove_file(folder.path("a.json")).unwrap();
    fs::remove_dir_all(folder.path("b")).unwrap();
    reader
        .until("the next one", |reader| {
            reader.text(&key) == Some("{\"id\":\"a\",\"n\":3}")
        })
        .await;
    reader
        .until("one place", |reader| places(reader) == ["c.json:2"])
        .await;
    folder.write("c.json", &document(5));
    reader
        .until("no duplicate", |reader| reader.unreadable().is_empty())
        .await;
}

/// A definition that moves from one file to another is there all the time.
#[tokio::test]
async fn moving_is_no_change() {
    let folder = Folder::new();
    folder.write("a.json", &document(1));
    let source = folder.open();
    let mut reader = Reader::of(&source).await;
    fs::rename(folder.path("a.json"), folder.path("z.json")).unwrap();
    folder.write("b.yaml", "kind: tds\nid: b\n");
    reader
        .until("the other file", |reader| reader.tools() == ["a", "b"])
        .await;
    assert_eq!(reader.follower.seen.len(), 1, "only `b` came");
}
