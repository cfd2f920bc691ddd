use crate::fixture::{Compiler, catalog, delete, instance, put, record, shown, tool};
use mcp_common::{
    catalog::{Catalog, Cause, Drafts, Place, Proposed, Refusal, draft},
    datasource::{Batch, Change, Load, Unreadable},
    document::Document,
    key::Key,
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

fn support() -> Catalog<Compiler> {
    let catalog = catalog();
    catalog.apply(put(Key::tool("t1"), 1, tool("a", "one", &[])));
    catalog.apply(put(Key::tool("t2"), 2, tool("b", "two", &["x"])));
    catalog.apply(put(Key::instance("i"), 3, instance(&["t2", "t1"], &["x"])));
    catalog
}

fn document(value: serde_json::Value) -> Document {
    Document::parse(value.to_string().as_bytes()).unwrap()
}

#[test]
fn tools_stand_in_the_order_of_the_document_then_by_id() {
    let catalog = support();
    catalog.apply(put(Key::tool("t0"), 4, tool("z", "zero", &["x"])));
    catalog.apply(put(Key::tool("t3"), 5, tool("c", "three", &["x"])));
    assert_eq!(shown(&catalog, "i"), ["b=two", "a=one", "z=zero", "c=three"]);
    let aliased = json!({"name": "i", "tool_ids": ["t9", {"id": "t1", "name": "first"}],
        "include": {"tags": ["x"]}, "exclude": {"tool_ids": ["t3"]}});
    catalog.apply(put(Key::instance("i"), 6, aliased));
    assert_eq!(shown(&catalog, "i"), ["first=one", "z=zero", "b=two"]);
    let warnings = catalog.snapshot().instances.get("i").unwrap().warnings.clone();
    assert!(
        warnings.len() == 1 && warnings[0].contains("`t9`"),
        "{warnings:?}"
    );
    let applied = catalog.apply(put(Key::tool("t9"), 7, tool("n", "nine", &[])));
    assert_eq!(
        applied.instances.iter().map(|id| &**id).collect::<Vec<_>>(),
        ["i"]
    );
    assert_eq!(shown(&catalog, "i"), ["n=nine", "first=one", "z=zero", "b=two"]);
    let mut disabled = tool("z", "zero", &["x"]);
    disabled["enabled"] = false.into();
    catalog.apply(put(Key::tool("t0"), 8, disabled));
    catalog.apply(delete(Key::tool("t2"), 9));
    assert_eq!(shown(&catalog, "i"), ["n=nine", "first=one"]);
}

#[test]
fn a_bad_record_leaves_the_good_one_live() {
    let catalog = support();
    for (revision, bad) in [
        (4, "{".to_owned()),
        (5, tool("a", "bad", &[]).to_string()),
        (6, tool("a", "panic", &[]).to_string()),
    ] {
        let applied = catalog.apply(put(Key::tool("t1"), revision, bad));
        assert!(applied.instances.is_empty());
        let snapshot = catalog.snapshot();
        let entry = snapshot.quarantined(&Key::tool("t1")).unwrap();
        assert_eq!(
            (entry.revision, entry.serving_revision, entry.cause),
            (revision, Some(1), Cause::Document)
        );
        assert_eq!(shown(&catalog, "i"), ["b=two", "a=one"]);
    }
    catalog.apply(put(Key::tool("t1"), 7, tool("a", "repaired", &[])));
    assert!(catalog.snapshot().quarantine.is_empty());
    assert_eq!(shown(&catalog, "i"), ["b=two", "a=repaired"]);
    catalog.apply(put(Key::instance("i"), 8, "[]"));
    catalog.apply(put(Key::tool("t1"), 9, tool("a", "again", &[])));
    assert_eq!(shown(&catalog, "i"), ["b=two", "a=again"]);
    assert_eq!(
        catalog
            .snapshot()
            .quarantined(&Key::instance("i"))
            .unwrap()
            .serving_revision,
        Some(3)
    );
    catalog.apply(delete(Key::instance("i"), 10));
    assert!(catalog.snapshot().quarantine.is_empty() && catalog.snapshot().instances.is_empty());
    let place = Unreadable {
        place: "row 7".into(),
        reason: "type `nonsense`".into(),
        revision: 11,
    };
    catalog.apply(Batch {
        revision: 11,
        changes: vec![Change::Unreadable(place)],
    });
    assert!(
        catalog
            .snapshot()
            .quarantine
            .contains_key(&Place::Elsewhere("row 7".into()))
    );
    catalog.replace(Load {
        revision: 12,
        ..Load::default()
    });
    assert!(catalog.snapshot().quarantine.is_empty() && catalog.snapshot().tools.is_empty());
}

#[test]
fn a_clash_from_the_store_keeps_what_was_good() {
    let catalog = support();
    let applied = catalog.apply(put(Key::tool("t2"), 4, tool("a", "new two", &["x"])));
    assert!(applied.instances.is_empty());
    assert_eq!(shown(&catalog, "i"), ["b=two", "a=one"]);
    let snapshot = catalog.snapshot();
    let clash = snapshot.quarantined(&Key::instance("i")).unwrap();
    assert_eq!(
        (clash.cause, clash.revision, clash.serving_revision),
        (Cause::Tools, 4, Some(3))
    );
    assert!(clash.reason.contains("`t2` and `t1`"), "{}", clash.reason);
    // Others go on; a document that would clash waits; what is taken away is gone.
    catalog.apply(put(Key::tool("t1"), 5, tool("a", "new one", &[])));
    assert_eq!(shown(&catalog, "i"), ["b=two", "a=new one"]);
    catalog.apply(put(Key::instance("i"), 6, instance(&["t1", "t2"], &[])));
    assert_eq!(shown(&catalog, "i"), ["b=two", "a=new one"]);
    assert_eq!(catalog.snapshot().instances.get("i").unwrap().revision, 3);
    catalog.apply(put(Key::tool("t2"), 7, tool("c", "newer two", &[])));
    assert_eq!(shown(&catalog, "i"), ["a=new one", "c=newer two"]);
    assert!(catalog.snapshot().quarantine.is_empty());
}

#[test]
fn without_anything_good_the_first_has_the_name() {
    let catalog = catalog();
    let records = vec![
        record(Key::instance("i"), 3, instance(&["t2", "t1"], &[])),
        record(Key::tool("t1"), 1, tool("a", "one", &[])),
        record(Key::tool("t2"), 2, tool("a", "two", &[])),
    ];
    assert!(
        catalog
            .replace(Load {
                revision: 3,
                records,
                ..Load::default()
            })
            .first_load
    );
    assert_eq!(shown(&catalog, "i"), ["a=two"]);
    assert!(catalog.snapshot().quarantined(&Key::instance("i")).is_some());
    catalog.apply(delete(Key::tool("t2"), 4));
    assert_eq!(shown(&catalog, "i"), ["a=one"]);
    assert!(catalog.snapshot().quarantine.is_empty());
}

#[test]
fn what_a_change_does_not_touch_is_shared() {
    let catalog = support();
    catalog.apply(put(Key::instance("j"), 4, instance(&["t1"], &[])));
    let before = catalog.snapshot();
    catalog.apply(put(Key::tool("t2"), 5, tool("b", "new", &["x"])));
    let after = catalog.snapshot();
    assert!(Arc::ptr_eq(&before.tools["t1"], &after.tools["t1"]));
    assert!(Arc::ptr_eq(&before.instances["j"], &after.instances["j"]));
    assert!(!Arc::ptr_eq(
        &before.instances["i"].selection,
        &after.instances["i"].selection
    ));
    let bodies = [
        (Key::tool("t1"), 1, tool("a", "one", &[])),
        (Key::tool("t2"), 5, tool("b", "new", &["x"])),
        (Key::instance("i"), 3, instance(&["t2", "t1"], &["x"])),
        (Key::instance("j"), 4, instance(&["t1"], &[])),
    ];
    let records = bodies
        .into_iter()
        .map(|(key, revision, body)| record(key, revision, body))
        .collect();
    let applied = catalog.replace(Load {
        revision: 9,
        records,
        ..Load::default()
    });
    assert!(applied.instances.is_empty());
    let loaded = catalog.snapshot();
    assert!(
        loaded
            .tools
            .iter()
            .all(|(id, entry)| Arc::ptr_eq(entry, &after.tools[id]))
    );
    assert!(
        loaded
            .instances
            .iter()
            .all(|(id, entry)| Arc::ptr_eq(entry, &after.instances[id]))
    );
}

#[test]
fn a_write_that_would_clash_is_refused_before_it_happens() {
    let catalog = support();
    let refusal = catalog
        .check(&Key::tool("t2"), &document(tool("a", "two", &["x"])))
        .unwrap_err();
    let Refusal::Clash { instances, text } = refusal else {
        panic!("{refusal}")
    };
    assert_eq!(instances, ["i".into()]);
    assert!(
        text.contains("`i`") && text.contains("`t1`") && text.contains("`t2`"),
        "{text}"
    );
    let by_tag = catalog.check(&Key::tool("t5"), &document(tool("a", "five", &["x"])));
    assert!(matches!(by_tag, Err(Refusal::Clash { .. })));
    let same = json!({"name": "j", "tool_ids": ["t1", {"id": "t2", "name": "a"}]});
    assert!(matches!(
        catalog.check(&Key::instance("j"), &document(same)),
        Err(Refusal::Clash { .. })
    ));
    assert!(matches!(
        catalog.check(&Key::tool("t1"), &document(tool("a", "bad", &[]))),
        Err(Refusal::Invalid(_))
    ));
    let unknown = json!({"name": "j", "tool_ids": ["t7"], "colour": "red"});
    assert_eq!(
        catalog
            .check(&Key::instance("j"), &document(unknown))
            .unwrap()
            .len(),
        2
    );
    // A clash that is there already does not stop other writes.
    catalog.apply(put(Key::tool("t2"), 4, tool("a", "two", &["x"])));
    assert!(
        catalog
            .check(&Key::tool("t1"), &document(tool("a", "changed", &[])))
            .is_ok()
    );
    assert_eq!(catalog.snapshot().revision, 4);
}

fn proposed(key: Key, value: Option<serde_json::Value>) -> Proposed {
    Proposed {
        key,
        document: value.map(document),
    }
}

#[test]
fn what_is_compiled_already_is_taken_over_where_its_text_is_the_same() {
    let catalog = support();
    let id: Arc<str> = "t9".into();
    let text = tool("n", "nine", &[]);
    let entry = Arc::new(draft(catalog.compiler(), &id, &document(text.clone())).unwrap());
    let is_taken_over = |text| {
        let drafts = Drafts::from([(id.clone(), entry.clone())]);
        let preview = catalog.preview_of(&[proposed(Key::tool("t9"), Some(text))], drafts);
        assert!(preview.is_good());
        Arc::ptr_eq(&preview.after.tools.get("t9").unwrap().compiled, &entry.compiled)
    };
    assert!(is_taken_over(text));
    assert!(!is_taken_over(tool("n", "nine.", &[])));
    let bad = document(json!({"name": "n", "input_schema": {"a": "x".repeat(2 << 20)}}));
    assert!(draft(catalog.compiler(), &id, &bad).is_err(), "its bounds hold");
}

#[test]
fn changes_that_are_made_together_are_looked_at_together() {
    let catalog = support();
    let t1 = proposed(Key::tool("t1"), Some(tool("b", "one", &[])));
    let t2 = proposed(Key::tool("t2"), Some(tool("a", "two", &["x"])));
    for alone in [&t1, &t2] {
        assert!(!catalog.preview(std::slice::from_ref(alone)).is_good());
    }
    let swapped = catalog.preview(&[t1, t2]);
    assert!(swapped.is_good() && swapped.refusal().is_none());
    let names = |instance: &str| {
        let selection = &swapped.after.instances.get(instance).unwrap().selection;
        selection
            .tools
            .iter()
            .map(|tool| tool.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("i"), ["a", "b"]);
    assert_eq!(catalog.snapshot().revision, 3, "nothing was done");

    // Each is fine alone; by their tag they meet in the instance.
    let t5 = proposed(Key::tool("t5"), Some(tool("n", "five", &["x"])));
    let t6 = proposed(Key::tool("t6"), Some(tool("n", "six", &["x"])));
    for alone in [&t5, &t6] {
        assert!(catalog.preview(std::slice::from_ref(alone)).is_good());
    }
    let both = catalog.preview(&[t5.clone(), t6]);
    assert_eq!(both.clashes.len(), 1);
    let clash = &both.clashes[0];
    assert_eq!(&*clash.instance, "i");
    assert_eq!(clash.tools, ["t5".into(), "t6".into()].into());
    assert!(matches!(both.refusal(), Some(Refusal::Clash { .. })));

    // A name that somebody gives up in the same set is free.
    let gone = proposed(Key::tool("t1"), None);
    let heir = proposed(Key::tool("t7"), Some(tool("a", "seven", &["x"])));
    assert!(!catalog.preview(std::slice::from_ref(&heir)).is_good());
    assert!(catalog.preview(&[heir, gone]).is_good());

    let bad = proposed(Key::tool("t8"), Some(tool("z", "bad", &[])));
    let some = catalog.preview(&[t5, bad]);
    assert_eq!(some.invalid.keys().collect::<Vec<_>>(), [&Key::tool("t8")]);
    let text = some.refusal().unwrap().to_string();
    assert_eq!(text, "TDS `t8`: description: is bad");
}

#[tokio::test]
async fn a_listener_that_panics_holds_nobody_up() {
    let catalog = catalog();
    let heard = Arc::new(AtomicU64::new(0));
    let seen = heard.clone();
    catalog.subscribe(Arc::new(|_| panic!("a fault in a listener")));
    catalog.subscribe(Arc::new(move |applied| {
        seen.store(applied.revision, Ordering::SeqCst)
    }));
    for revision in 1..=2 {
        let applied = catalog.apply(put(Key::tool("t"), revision, tool("t", "x", &[])));
        assert_eq!(applied.revision, revision);
        assert!(catalog.wait_for(revision, Duration::from_secs(20)).await);
        assert_eq!(heard.load(Ordering::SeqCst), revision);
    }
}

#[test]
fn a_big_load_and_a_big_batch_are_read_by_all_cores_and_come_to_the_same() {
    let records = |from: u64| {
        let tool = |n: u64| {
            let text = if n % 100 == 7 { "bad" } else { "good" };
            record(
                Key::tool(format!("t{n:04}")),
                from + n,
                tool(&format!("n{n}"), text, &[]),
            )
        };
        (0..1_000).map(tool).collect::<Vec<_>>()
    };
    let loaded = catalog();
    loaded.replace(Load {
        revision: 1_000,
        records: records(1),
        unreadable: Vec::new(),
    });
    let applied = catalog();
    let changes = records(1).into_iter().map(Change::Put).collect();
    applied.apply(Batch {
        revision: 1_000,
        changes,
    });
    for catalog in [&loaded, &applied] {
        let snapshot = catalog.snapshot();
        assert_eq!((snapshot.tools.len(), snapshot.quarantine.len()), (990, 10));
        for (id, entry) in snapshot.tools.iter() {
            assert_eq!(**id, *format!("t{:04}", entry.revision - 1));
        }
    }
    // A key that comes twice is taken in its order, also in the middle of many.
    let twice = [records(2_000), records(3_000)]
        .concat()
        .into_iter()
        .map(Change::Put)
        .collect();
    applied.apply(Batch {
        revision: 4_000,
        changes: twice,
    });
    assert_eq!(applied.snapshot().tools["t0001"].revision, 3_001);
}

#[tokio::test]
async fn listeners_hear_before_waiters_are_released() {
    let catalog = Arc::new(catalog());
    let heard = Arc::new(AtomicU64::new(0));
    let (seen, reader) = (heard.clone(), catalog.clone());
    catalog.subscribe(Arc::new(move |applied| {
        assert_eq!(reader.snapshot().revision, applied.revision);
        assert!(*reader.revisions().borrow() < applied.revision);
        seen.store(applied.revision, Ordering::SeqCst);
    }));
    assert!(!catalog.wait_for(1, Duration::from_millis(5)).await);
    let writer = catalog.clone();
    let writing = std::thread::spawn(move || {
        for revision in 1..=200 {
            writer.apply(Batch {
                revision,
                changes: Vec::new(),
            });
        }
    });
    for revision in 1..=200 {
        assert!(catalog.wait_for(revision, Duration::from_secs(20)).await);
        assert!(heard.load(Ordering::SeqCst) >= revision);
    }
    writing.join().unwrap();
}

#[test]
fn readers_see_whole_snapshots_only() {
    let catalog = Arc::new(support());
    let writer = catalog.clone();
    let writing = std::thread::spawn(move || {
        for revision in 4..400 {
            let text = revision.to_string();
            let both = [("t1", "a"), ("t2", "b")]
                .map(|(id, name)| Change::Put(record(Key::tool(id), revision, tool(name, &text, &["x"]))));
            writer.apply(Batch {
                revision,
                changes: both.into(),
            });
        }
    });
    while !writing.is_finished() {
        let snapshot = catalog.snapshot();
        let tools = &snapshot.instances["i"].selection.tools;
        if snapshot.revision > 3 {
            assert!(tools.len() == 2 && tools.iter().all(|shown| shown.tool.revision == snapshot.revision));
            assert!(
                tools
                    .iter()
                    .all(|shown| Arc::ptr_eq(&shown.tool, &snapshot.tools[&shown.tool.id]))
            );
        }
    }
    writing.join().unwrap();
}

#[test]
fn a_good_version_in_the_same_batch_is_what_stays_live() {
    let catalog = support();
    let good = instance(&["t1"], &[]).to_string();
    let records = [
        (Key::instance("i"), 4, good),
        (Key::instance("i"), 5, "{".to_owned()),
    ];
    let changes = records
        .into_iter()
        .map(|(key, revision, body)| Change::Put(record(key, revision, body)));
    catalog.apply(Batch {
        revision: 5,
        changes: changes.collect(),
    });
    assert_eq!(shown(&catalog, "i"), ["a=one"]);
    assert_eq!(
        catalog
            .snapshot()
            .quarantined(&Key::instance("i"))
            .unwrap()
            .serving_revision,
        Some(4)
    );
}

#[test]
fn a_document_that_waits_is_superseded_by_a_bad_one() {
    let catalog = support();
    catalog.apply(put(Key::tool("t3"), 4, tool("a", "three", &[])));
    catalog.apply(put(Key::instance("i"), 5, instance(&["t3", "t1"], &[])));
    assert_eq!(shown(&catalog, "i"), ["b=two", "a=one"]);
    catalog.apply(put(Key::instance("i"), 6, "{"));
    catalog.apply(put(Key::tool("t3"), 7, tool("c", "three", &[])));
    assert_eq!(
        shown(&catalog, "i"),
        ["b=two", "a=one"],
        "the document of revision 5 is not the newest any more"
    );
    let snapshot = catalog.snapshot();
    let entry = snapshot.quarantined(&Key::instance("i")).unwrap();
    assert_eq!(
        (entry.cause, entry.revision, entry.serving_revision),
        (Cause::Document, 6, Some(3))
    );
}
