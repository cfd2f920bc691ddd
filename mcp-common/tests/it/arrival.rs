//! Whether what was read from a store is in the catalog.

use crate::fixture::{catalog, delete, instance, put, record, tool};
use mcp_common::{datasource::Load, key::Key};
use serde_json::json;

#[test]
fn a_load_has_arrived_whatever_else_raised_the_revision_of_its_store() {
    let catalog = catalog();
    catalog.apply(put(Key::tool("t1"), 1, tool("a", "one", &[])));
    catalog.apply(put(Key::tool("t2"), 2, tool("b", "two", &["x"])));
    catalog.apply(put(Key::instance("i"), 3, instance(&["t2", "t1"], &["x"])));
    catalog.apply(put(Key::tool("bad"), 4, json!({"name": 1})));
    let stored = |revision, left_out: &[&str]| Load {
        revision,
        records: [("t1", 1), ("t2", 2), ("i", 3), ("bad", 4)]
            .into_iter()
            .filter(|(id, _)| !left_out.contains(id))
            .map(|(id, revision)| match id {
                "i" => record(Key::instance(id), revision, json!({})),
                _ => record(Key::tool(id), revision, json!({})),
            })
            .collect(),
        ..Load::default()
    };
    let is_there = |load: &Load| catalog.snapshot().is_as_new_as(load);
    assert!(is_there(&stored(4, &[])), "the same revision");
    assert!(is_there(&stored(90, &[])), "a revision that others raised");
    let mut newer = stored(90, &[]);
    newer.records.push(record(Key::tool("new"), 5, json!({})));
    assert!(!is_there(&newer), "a write that is still to come");
    for deleted in ["t1", "i", "bad"] {
        assert!(
            !is_there(&stored(90, &[deleted])),
            "the deletion of {deleted} is still to come"
        );
    }
    catalog.apply(delete(Key::tool("t1"), 89));
    assert!(is_there(&stored(90, &["t1"])));
    catalog.apply(put(Key::tool("later"), 95, tool("l", "later", &[])));
    assert!(
        is_there(&stored(94, &["t1"])),
        "what is younger than the load says nothing"
    );
}
