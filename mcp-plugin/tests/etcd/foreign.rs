//! What other people write under the prefix.

use super::store;
use crate::servers::etcd::EtcdServer;
use mcp_common::{
    datasource::{Change, DataSource},
    key::Key,
};
use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text() {
    let server = EtcdServer::start(&[]);
    let source = store::open(&server.url()).await;
    let before = source.load().await.unwrap();
    let mut changes = source.watch(before.revision).await.unwrap();
    for (key, body) in [
        (&b"/dynmcp/tds/a"[..], &b"{\xff}"[..]),
        (b"/dynmcp/tds/\xff", b"{}"),
        (b"/dynmcp/tds/\xfe", b"{}"),
    ] {
        server.etcdctl(&[OsStr::new("put"), OsStr::from_bytes(key), OsStr::from_bytes(body)]);
    }

    let load = source.load().await.unwrap();
    assert_eq!(load.records.len(), 1);
    assert_eq!(&load.records[0].body[..], b"{\xff}");
    let places: Vec<_> = load.unreadable.iter().map(|entry| &*entry.place).collect();
    assert_eq!(
        places,
        [r"etcd key `/dynmcp/tds/\xfe`", r"etcd key `/dynmcp/tds/\xff`"]
    );
    assert!(load.unreadable[0].reason.contains("not UTF-8"));
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.extend(store::next(&mut changes).await.unwrap().changes);
    }
    assert!(
        matches!(&seen[0], Change::Put(record) if record.key == Key::tool("a")),
        "{seen:?}"
    );
    assert!(
        matches!(&seen[2], Change::Unreadable(entry) if *entry == load.unreadable[0]),
        "{seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_names_no_kind_comes_and_goes() {
    let server = EtcdServer::start(&[]);
    let source = store::open(&server.url()).await;
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();
    // Beside the prefix, so nobody's business here.
    store::raw_put(&server, "/dynmcp-other/x", "{}");
    store::raw_put(&server, "/dynmcp/notes", "{}");
    let batch = store::next(&mut changes).await.unwrap();
    let [Change::Unreadable(entry)] = &batch.changes[..] else {
        panic!("{batch:?}")
    };
    assert_eq!(entry.place, "etcd key `/dynmcp/notes`");
    assert!(entry.reason.contains("`/dynmcp/tds/<id>`"), "{}", entry.reason);
    assert_eq!(
        source.load().await.unwrap().unreadable,
        std::slice::from_ref(entry)
    );

    // Written anew it is as unreadable as before, at one place.
    store::raw_put(&server, "/dynmcp/notes", "again");
    let batch = store::next(&mut changes).await.unwrap();
    let [Change::Unreadable(again)] = &batch.changes[..] else {
        panic!("{batch:?}")
    };
    assert_eq!((&again.place, &again.reason), (&entry.place, &entry.reason));
    assert!(again.revision > entry.revision);

    server.etcdctl(&["del", "/dynmcp/notes"]);
    let batch = store::next(&mut changes).await.unwrap();
    let [Change::Readable { place, .. }] = &batch.changes[..] else {
        panic!("{batch:?}")
    };
    assert_eq!(*place, entry.place);
    assert!(source.load().await.unwrap().unreadable.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ends_is_a_deletion() {
    let server = EtcdServer::start(&[]);
    let source = store::open(&server.url()).await;
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();
    let lease = server.etcdctl(&["lease", "grant", "1"]);
    let lease = lease.split_whitespace().nth(1).unwrap();
    server.etcdctl(&["put", &format!("--lease={lease}"), "/dynmcp/tds/a", "{}"]);
    assert!(matches!(
        store::next(&mut changes).await.unwrap().changes[..],
        [Change::Put(_)]
    ));
    let batch = store::next(&mut changes).await.unwrap();
    assert!(
        matches!(&batch.changes[..], [Change::Delete { key, .. }] if *key == Key::tool("a")),
        "{batch:?}"
    );
}
