//! Definitions that name secrets of the store: what may not be used, or is not there, is in quarantine as long as that is so.

use crate::fixture::{catalog, delete, instance, put, record, shown, tool};
use mcp_common::{
    datasource::{Batch, Change, Load},
    key::Key,
};
use serde_json::{Value, json};

fn secret(usable_by: Value) -> Value {
    json!({"sealed": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "key_version": "k1", "usable_by": usable_by})
}

fn naming(name: &str, description: &str) -> Value {
    let mut tool = tool("t", description, &[]);
    tool["tds_ext_info"]["auth"] = json!({"type": "bearer", "credential": format!("${{secret:{name}}}")});
    tool
}

fn upstream(name: &str) -> Value {
    json!({"url": "https://api.example.com/mcp", "headers": {"X-Key": format!("${{secret:{name}}}")}, "managed_by": "team-a"})
}

#[test]
fn a_definition_waits_for_its_secret_whatever_comes_first() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let all = [
            (Key::tool("a"), naming("billing", "first")),
            (
                Key::secret("billing"),
                secret(json!({"tools": ["a"], "owners": ["team-*"]})),
            ),
            (Key::upstream("u"), upstream("billing")),
            (Key::instance("i"), instance(&["a"], &[])),
        ];
        let one_by_one = catalog();
        let mut changes = Vec::new();
        for (revision, index) in (1..).zip(order) {
            let (key, document) = &all[index];
            changes.push(Change::Put(record(key.clone(), revision, document)));
            one_by_one.apply(put(key.clone(), revision, document));
        }
        let at_once = catalog();
        at_once.apply(Batch {
            revision: 4,
            changes: changes.clone(),
        });
        let loaded = catalog();
        let records = changes.into_iter().filter_map(|change| match change {
            Change::Put(record) => Some(record),
            _ => None,
        });
        loaded.replace(Load {
            revision: 4,
            records: records.collect(),
            ..Load::default()
        });
        for catalog in [one_by_one, at_once, loaded] {
            let snapshot = catalog.snapshot();
            assert!(snapshot.quarantine.is_empty(), "{:?}", snapshot.quarantine);
            assert_eq!(shown(&catalog, "i"), ["t=first"]);
            let upstreams = snapshot.documents(Key::upstream("u").kind).unwrap();
            assert!(upstreams.contains_key("u"));
        }
    }
}

#[test]
fn what_loses_its_secret_goes_and_comes_back_with_it() {
    let catalog = catalog();
    catalog.apply(put(Key::secret("billing"), 1, secret(json!({"tools": ["a"]}))));
    catalog.apply(put(Key::instance("i"), 2, instance(&["a"], &[])));
    catalog.apply(put(Key::tool("a"), 3, naming("billing", "first")));
    assert_eq!(shown(&catalog, "i"), ["t=first"]);

    // Another secret, which is not there: what was good before stays.
    catalog.apply(put(Key::tool("a"), 4, naming("other", "second")));
    assert_eq!(shown(&catalog, "i"), ["t=first"]);
    let bad = catalog.snapshot().quarantined(&Key::tool("a")).unwrap().clone();
    assert_eq!((bad.revision, bad.serving_revision), (4, Some(3)));
    assert_eq!(
        bad.reason,
        "tds_ext_info.auth: ${secret:other} is not there: no secret `other` is stored"
    );
    let applied = catalog.apply(put(Key::secret("other"), 5, secret(json!({"tools": ["*"]}))));
    assert!(applied.instances.contains("i"));
    assert_eq!(shown(&catalog, "i"), ["t=second"]);

    // The rule is another one.
    catalog.apply(put(
        Key::secret("other"),
        6,
        secret(json!({"tools": ["b*"], "owners": ["team-a"]})),
    ));
    assert!(shown(&catalog, "i").is_empty());
    let bad = catalog.snapshot().quarantined(&Key::tool("a")).unwrap().clone();
    assert_eq!((bad.revision, bad.serving_revision), (4, None));
    assert!(
        bad.reason.contains("`usable_by` of the secret names no tool `a`"),
        "{}",
        bad.reason
    );
    catalog.apply(put(Key::secret("other"), 7, secret(json!({"tools": ["a"]}))));
    assert_eq!(shown(&catalog, "i"), ["t=second"]);

    catalog.apply(delete(Key::secret("other"), 8));
    assert!(shown(&catalog, "i").is_empty());
    catalog.apply(put(Key::tool("a"), 9, tool("t", "without", &[])));
    assert_eq!(shown(&catalog, "i"), ["t=without"]);
    assert!(catalog.snapshot().quarantine.is_empty());
    catalog.apply(put(Key::secret("other"), 10, secret(json!({"tools": ["a"]}))));
    assert_eq!(
        shown(&catalog, "i"),
        ["t=without"],
        "what is gone does not come back"
    );
}

#[test]
fn a_write_is_refused_with_the_place_and_told_what_it_closes_out() {
    let catalog = catalog();
    let document =
        |value: Value| mcp_common::document::Document::parse(value.to_string().as_bytes()).unwrap();
    let refused = catalog
        .check(&Key::upstream("u"), &document(upstream("billing")))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "headers.X-Key: ${secret:billing} is not there: no secret `billing` is stored"
    );
    catalog.apply(put(Key::secret("billing"), 1, secret(json!({"tools": ["a"]}))));
    catalog.apply(put(Key::tool("a"), 2, naming("billing", "first")));
    let warnings = catalog
        .check(
            &Key::secret("billing"),
            &document(secret(json!({"tools": ["b"]}))),
        )
        .unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("TDS `a` cannot be used any more: tds_ext_info.auth: ${secret:billing}"),
        "{warnings:?}"
    );
    // What cannot be read is there, and opens nothing.
    catalog.apply(put(Key::secret("other"), 3, json!({"value": "s3cr3t"})));
    let refused = catalog
        .check(&Key::tool("b"), &document(naming("other", "x")))
        .unwrap_err();
    assert!(
        refused.to_string().contains("its document is in quarantine"),
        "{refused}"
    );
    assert!(
        !format!(
            "{:?}",
            catalog
                .snapshot()
                .quarantine
                .values()
                .map(|bad| &bad.reason)
                .collect::<Vec<_>>()
        )
        .contains("s3cr3t")
    );
}
