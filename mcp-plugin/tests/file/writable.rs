//! What the admin API may write, and how it stands in the folder.

use super::folder::{Folder, Reader, names, put, tool};
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::Key,
};
use std::fs;

fn writable() -> Folder {
    let mut folder = Folder::new();
    folder.writable = true;
    folder
}

#[tokio::test]
async fn only_if_it_is_told_to() {
    let folder = Folder::new();
    folder.write("a.json", &tool("a"));
    let source = folder.open();
    let key = Key::tool("a");
    let Err(SourceError::ReadOnly(reason)) = put(&source, &key, "{}").await else {
        panic!("written")
    };
    assert!(reason.contains("data_source.file.writable"), "{reason}");
    let write = Write {
        key: &key,
        expected: Expected::Any,
        principal: "anna",
    };
    assert!(matches!(
        source.delete(write).await,
        Err(SourceError::ReadOnly(_))
    ));
    assert_eq!(names(&folder.path("")), ["a.json"]);
}

#[tokio::test]
async fn each_definition_is_a_file_of_its_own() {
    let folder = writable();
    let source = folder.open();
    let body = "{ \"name\": 1.10 }\n";
    let revision = put(&source, &Key::tool("Find order"), body).await.unwrap();
    assert_eq!(names(&folder.path("admin/tds")), ["%46ind%20order.json"]);
    assert_eq!(
        fs::read_to_string(folder.path("admin/tds/%46ind%20order.json")).unwrap(),
        body
    );
    drop(source);

    let source = folder.open();
    let load = source.load().await.unwrap();
    assert_eq!(load.records.len(), 1);
    assert_eq!(
        (&load.records[0].key, &load.records[0].body[..]),
        (&Key::tool("Find order"), body.as_bytes())
    );
    assert!(load.revision > revision);
    // And people may edit it.
    let mut reader = Reader::of(&source).await;
    folder.write("admin/tds/%46ind%20order.json", "{}");
    reader
        .until("the edit", |reader| {
            reader.text(&Key::tool("Find order")) == Some("{}")
        })
        .await;
    let stale = Write {
        key: &Key::tool("Find order"),
        expected: Expected::Revision(revision),
        principal: "anna",
    };
    assert!(matches!(
        source.put(stale, "{}".into()).await,
        Err(SourceError::Conflict { .. })
    ));
}

#[tokio::test]
async fn what_people_wrote_is_left_to_them() {
    let folder = writable();
    let text = format!("# ours\n{}\n", "kind: tds\nid: a");
    folder.write("team.yaml", &text);
    let source = folder.open();
    let Err(SourceError::ReadOnly(reason)) = put(&source, &Key::tool("a"), "{}").await else {
        panic!("written")
    };
    assert!(
        reason.contains("team.yaml:2") && reason.contains("change it there"),
        "{reason}"
    );
    let write = Write {
        key: &Key::tool("a"),
        expected: Expected::Any,
        principal: "anna",
    };
    assert!(matches!(
        source.delete(write).await,
        Err(SourceError::ReadOnly(_))
    ));
    assert_eq!(fs::read_to_string(folder.path("team.yaml")).unwrap(), text);
}

/// An edit that no report has told of yet counts all the same.
#[tokio::test]
async fn a_write_sees_the_file_as_it_is() {
    let folder = writable();
    let source = folder.open();
    let key = Key::tool("a");
    let first = put(&source, &key, "{\"n\":1}").await.unwrap();
    folder.write("admin/tds/a.json", "{\"n\":2}");
    let write = Write {
        key: &key,
        expected: Expected::Revision(first),
        principal: "anna",
    };
    assert!(matches!(
        source.put(write, "{\"n\":3}".into()).await,
        Err(SourceError::Conflict { .. })
    ));
    assert_eq!(
        fs::read_to_string(folder.path("admin/tds/a.json")).unwrap(),
        "{\"n\":2}"
    );
}

/// Two gateways on one folder: each sees what the other writes, and neither overwrites what it has not seen.
#[tokio::test]
async fn two_gateways_on_one_folder() {
    let folder = writable();
    let (one, two) = (folder.open(), folder.open());
    let mut reader = Reader::of(&two).await;
    let key = Key::tool("a");
    put(&one, &key, "{\"n\":1}").await.unwrap();
    reader
        .until("the other's write", |reader| {
            reader.text(&key) == Some("{\"n\":1}")
        })
        .await;
    let seen = reader.follower.revision;
    put(&one, &key, "{\"n\":2}").await.unwrap();
    let write = Write {
        key: &key,
        expected: Expected::Revision(seen),
        principal: "ben",
    };
    assert!(matches!(
        two.put(write, "{\"n\":3}".into()).await,
        Err(SourceError::Conflict { .. })
    ));
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_loses_nothing() {
    let folder = writable();
    folder.write("admin", "in the way");
    folder.write("a.json", &tool("a"));
    let source = folder.open();
    let error = put(&source, &Key::tool("b"), "{}").await.unwrap_err();
    assert!(
        error.to_string().contains("admin/tds/b.json` cannot be written"),
        "{error}"
    );
    let load = source.load().await.unwrap();
    assert_eq!((load.records.len(), load.unreadable.len()), (1, 0));
}

#[tokio::test]
async fn another_process_is_not_waited_for_for_ever() {
    let folder = writable();
    let source = folder.open();
    let key = Key::tool("a");
    let held = fs::File::create(folder.path(".dynmcp.lock")).unwrap();
    held.lock().unwrap();
    let Err(SourceError::Unavailable(reason)) = put(&source, &key, "{}").await else {
        panic!("written")
    };
    assert!(reason.contains(".dynmcp.lock"), "{reason}");
    drop(held);
    put(&source, &key, "{}").await.unwrap();
}
