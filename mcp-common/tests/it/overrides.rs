//! What instances say about the arguments of their tools: whether it fits is known before anybody asks.

use crate::fixture::{Compiler, catalog, delete, instance, put, record, shown, tool};
use mcp_common::{
    catalog::{Catalog, Cause, Refusal},
    datasource::Load,
    document::Document,
    key::Key,
};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// Hides `argument` of `t1`; `t2` is as it is.
fn hiding(argument: &str) -> Value {
    json!({"name": "i", "tool_ids": [{"id": "t1", "hide": [argument]}, "t2"]})
}

fn two_tools() -> Catalog<Compiler> {
    let catalog = catalog();
    catalog.apply(put(Key::tool("t1"), 1, tool("a", "takes:x takes:y", &[])));
    catalog.apply(put(Key::tool("t2"), 2, tool("b", "two", &[])));
    catalog
}

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().as_bytes()).unwrap()
}

#[test]
fn a_tool_is_what_the_instance_makes_of_it() {
    let catalog = two_tools();
    catalog.apply(put(Key::instance("i"), 3, hiding("x")));
    catalog.apply(put(Key::instance("j"), 4, instance(&["t1"], &[])));
    assert_eq!(shown(&catalog, "i"), ["a=takes:x takes:y without x", "b=two"]);
    assert_eq!(shown(&catalog, "j"), ["a=takes:x takes:y"]);
    catalog.apply(put(Key::instance("i"), 5, hiding("y")));
    assert_eq!(shown(&catalog, "i")[0], "a=takes:x takes:y without y");
    let applied = catalog.apply(put(Key::tool("t1"), 6, tool("a", "takes:y", &[])));
    assert_eq!(applied.instances.len(), 2);
    assert_eq!(shown(&catalog, "i")[0], "a=takes:y without y");
}

#[test]
fn nothing_is_made_again_that_did_not_change() {
    let catalog = two_tools();
    catalog.apply(put(Key::instance("i"), 3, hiding("x")));
    let made = || catalog.compiler().compiled.load(Ordering::Relaxed);
    let before = made();
    catalog.apply(put(Key::tool("t2"), 4, tool("b", "new", &[])));
    assert_eq!(made(), before + 1, "the tool itself");
    let mut described = hiding("x");
    described["description"] = json!("Something new.");
    catalog.apply(put(Key::instance("i"), 5, described));
    assert_eq!(made(), before + 1);
    assert_eq!(shown(&catalog, "i"), ["a=takes:x takes:y without x", "b=new"]);
}

#[test]
fn a_tool_that_fits_no_more_stays_as_it_was_where_it_was() {
    let catalog = two_tools();
    catalog.apply(put(Key::instance("i"), 3, hiding("x")));
    catalog.apply(put(Key::instance("j"), 4, instance(&["t1"], &[])));
    catalog.apply(put(Key::tool("t1"), 5, tool("a", "takes:z", &[])));
    assert_eq!(shown(&catalog, "i"), ["a=takes:x takes:y without x", "b=two"]);
    assert_eq!(shown(&catalog, "j"), ["a=takes:z"]);
    let snapshot = catalog.snapshot();
    let kept = snapshot.quarantined(&Key::instance("i")).unwrap();
    assert_eq!(
        (kept.cause, kept.revision, kept.serving_revision),
        (Cause::Tools, 5, Some(3))
    );
    assert_eq!(
        kept.reason,
        "the tool `t1` does not fit: tool_ids[0].hide[0]: is unknown"
    );
    // The others go on; a document that does not fit either waits; what is taken away is gone; what fits again is live.
    catalog.apply(put(Key::tool("t2"), 6, tool("b", "new", &[])));
    catalog.apply(put(Key::instance("i"), 7, hiding("w")));
    assert_eq!(shown(&catalog, "i"), ["a=takes:x takes:y without x", "b=new"]);
    catalog.apply(put(Key::tool("t1"), 8, tool("a", "takes:w", &[])));
    assert_eq!(shown(&catalog, "i"), ["a=takes:w without w", "b=new"]);
    assert!(catalog.snapshot().quarantine.is_empty());
    catalog.apply(put(Key::tool("t1"), 9, tool("a", "takes:none", &[])));
    catalog.apply(delete(Key::tool("t1"), 10));
    assert_eq!(shown(&catalog, "i"), ["b=new"]);
    assert!(catalog.snapshot().quarantine.is_empty());
}

#[test]
fn without_anything_good_it_is_left_out() {
    let catalog = catalog();
    let records = vec![
        record(Key::instance("i"), 3, hiding("panic")),
        record(Key::tool("t1"), 1, tool("a", "takes:x", &[])),
        record(Key::tool("t2"), 2, tool("a", "two", &[])),
    ];
    catalog.replace(Load {
        revision: 3,
        records,
        ..Load::default()
    });
    // It does not take the name either.
    assert_eq!(shown(&catalog, "i"), ["a=two"]);
    let reason = catalog
        .snapshot()
        .quarantined(&Key::instance("i"))
        .unwrap()
        .reason
        .clone();
    assert!(reason.contains("internal error of the gateway"), "{reason}");
}

#[test]
fn a_write_that_does_not_fit_is_refused() {
    let catalog = two_tools();
    let refused = catalog.check(&Key::instance("i"), &document(&hiding("w")));
    assert!(
        matches!(&refused, Err(Refusal::Invalid(problems)) if problems.to_string() == "tool_ids[0].hide[0]: is unknown"),
        "{refused:?}"
    );
    catalog.apply(put(Key::instance("i"), 3, hiding("x")));
    let change = |description: &str| catalog.check(&Key::tool("t1"), &document(&tool("a", description, &[])));
    assert_eq!(change("takes:x and more"), Ok(Vec::new()));
    let refused = change("takes:y");
    assert!(
        matches!(&refused, Err(Refusal::Clash { instances, text }) if *instances == ["i".into()] && text.contains("the tool `t1` does not fit")),
        "{refused:?}"
    );
    // What is wrong already does not stop another change of the tool, nor a repair of the instance.
    catalog.apply(put(Key::tool("t1"), 4, tool("a", "takes:y", &[])));
    assert_eq!(change("takes:y too"), Ok(Vec::new()));
    assert_eq!(
        catalog.check(&Key::instance("i"), &document(&hiding("y"))),
        Ok(Vec::new())
    );
    // Tools that are not there, or disabled, cannot be looked at yet.
    let absent = json!({"name": "k", "tool_ids": [{"id": "t9", "hide": ["x"]}]});
    assert_eq!(
        catalog
            .check(&Key::instance("k"), &document(&absent))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn vars_that_a_tool_needs_have_to_be_there() {
    let catalog = two_tools();
    catalog.apply(put(Key::tool("t3"), 3, tool("c", "needs:base", &["tagged"])));
    let document_of = |vars: Value| json!({"name": "i", "include": {"tags": ["tagged"]}, "vars": vars});
    let refused = catalog.check(&Key::instance("i"), &document(&document_of(json!({}))));
    assert!(
        matches!(&refused, Err(Refusal::Invalid(problems)) if problems.to_string() == "vars.base: is missing"),
        "{refused:?}"
    );
    catalog.apply(put(Key::instance("i"), 4, document_of(json!({"base": 1}))));
    assert_eq!(shown(&catalog, "i"), ["c=needs:base"]);
    catalog.apply(put(Key::instance("i"), 5, document_of(json!({"other": 1}))));
    assert_eq!(
        catalog.snapshot().instances["i"].revision,
        4,
        "the last good version"
    );
    catalog.apply(put(Key::tool("t3"), 6, tool("c", "needs:other", &["tagged"])));
    assert_eq!(catalog.snapshot().instances["i"].revision, 5);
    assert!(catalog.snapshot().quarantine.is_empty());
}
