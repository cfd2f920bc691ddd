use crate::fixture::{Compiler, catalog, delete, put, tool};
use mcp_common::{catalog::Catalog, key::Key};
use serde_json::{Value, json};
use std::sync::Arc;

fn role(inherits: &[&str]) -> Value {
    json!({"inherits": inherits, "allow": [{"actions": ["tools/call"]}]})
}

fn ids(catalog: &Catalog<Compiler>) -> Vec<String> {
    let snapshot = catalog.snapshot();
    let circles = snapshot.circles().iter();
    circles.map(|circle| circle.role.id.to_string()).collect()
}

#[test]
fn circles_are_looked_for_once_for_all_snapshots_with_the_same_roles() {
    let catalog = catalog();
    catalog.apply(put(Key::role("a"), 1, role(&["b"])));
    assert_eq!(ids(&catalog), [""; 0]);
    catalog.apply(put(Key::role("b"), 2, role(&["a"])));
    assert_eq!(ids(&catalog), ["a", "b"]);
    let before = catalog.snapshot();
    catalog.apply(put(Key::tool("t"), 3, tool("t", "one", &[])));
    assert!(Arc::ptr_eq(before.circles(), catalog.snapshot().circles()));
    // Also where nobody asked before the change.
    catalog.apply(put(Key::role("c"), 4, role(&["a"])));
    catalog.apply(put(Key::tool("t"), 5, tool("t", "two", &[])));
    assert_eq!(ids(&catalog), ["a", "b"]);
    catalog.apply(delete(Key::role("b"), 6));
    assert_eq!(ids(&catalog), [""; 0]);
    assert_eq!(before.circles().len(), 2, "what was, stays as it was");
}

#[test]
fn a_role_in_a_circle_whose_later_version_cannot_be_read_counts_once() {
    let catalog = catalog();
    catalog.apply(put(Key::role("a"), 1, role(&["b"])));
    catalog.apply(put(Key::role("b"), 2, role(&["a"])));
    assert_eq!(catalog.snapshot().unusable_count(), 2);
    catalog.apply(put(Key::role("b"), 3, json!({"inherits": 7})));
    let snapshot = catalog.snapshot();
    assert_eq!((snapshot.circles().len(), snapshot.quarantine.len()), (2, 1));
    assert_eq!(snapshot.unusable_count(), 2);
    let alone: Vec<_> = snapshot.usable_circles().map(|circle| &*circle.role.id).collect();
    assert_eq!(alone, ["a"]);
}
