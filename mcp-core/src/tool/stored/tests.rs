//! What is kept compiled, and what calls share whichever version of a definition they come through.

use super::*;
use crate::{spec::Era, tool::Target};
use mcp_common::{
    catalog::Catalog,
    datasource::{Batch, Change, Record},
    key::Key,
};

fn with_room_for(bytes: u64) -> Catalog<ToolCompiler> {
    Catalog::new(ToolCompiler::default().with_shelf(Arc::new(Shelf::new(bytes))))
}

/// The bytes of each of those that `put` makes.
fn of_one_tool() -> u64 {
    let catalog = Catalog::new(ToolCompiler::default());
    put(&catalog, 0..1, "One.");
    catalog.compiler().shelf().bytes()
}

fn put(catalog: &Catalog<ToolCompiler>, tools: std::ops::Range<usize>, description: &str) {
    let from = catalog.snapshot().revision;
    let record = |(number, revision): (usize, u64)| {
        let body = format!(
            r#"{{"name":"t{number}","description":"{description}","input_schema":{{"properties":{{"a":{{}}}}}},"tds_ext_info":{{"domain":"a.example","method":"GET","path":"/"}}}}"#
        );
        let key = Key::tool(format!("t{number:04}"));
        Change::Put(Record {
            key,
            revision,
            updated_at: None,
            body: body.into(),
        })
    };
    let changes: Vec<_> = tools.zip(from + 1..).map(record).collect();
    let revision = from + changes.len() as u64;
    catalog.apply(Batch { revision, changes });
}

#[test]
fn few_tools_stay_compiled_and_of_many_those_in_use() {
    let catalog = Catalog::new(ToolCompiler::default());
    put(&catalog, 0..KEPT_UNASKED + 1, "One.");
    let snapshot = catalog.snapshot();
    let compiled = |id: &str| {
        let entry = &snapshot.tools[id];
        entry.compiled.compiled(catalog.compiler(), entry).unwrap()
    };
    // A batch is compiled by several threads: which one comes last is open.
    let (kept, others): (Vec<_>, Vec<_>) = snapshot
        .tools
        .iter()
        .partition(|(_, entry)| entry.compiled.kept().is_some());
    assert_eq!((kept.len(), others.len()), (KEPT_UNASKED, 1));
    let shelf = catalog.compiler().shelf();
    assert_eq!((shelf.tools(), shelf.compiled_again()), (KEPT_UNASKED, 0));
    let other = others[0].0;
    let used = compiled(other);
    assert!(Arc::ptr_eq(&used, &compiled(other)), "calls share it");
    assert_eq!((shelf.tools(), shelf.compiled_again()), (KEPT_UNASKED + 1, 1));
    assert!(used.listing("x", None, Era::Modern).contains("One."));
}

#[test]
fn beyond_the_bound_those_stay_that_were_asked_for_lately() {
    // Names of two digits take a byte or two more.
    let room = 3 * of_one_tool() + 1_000;
    let catalog = with_room_for(room);
    put(&catalog, 0..100, "One.");
    let shelf = catalog.compiler().shelf();
    let is_full = || shelf.tools() == 3 && shelf.bytes() <= room;
    assert!(is_full(), "{} bytes", shelf.bytes());
    let snapshot = catalog.snapshot();
    let ask = |number: usize| {
        let entry = &snapshot.tools[format!("t{number:04}").as_str()];
        entry.compiled.compiled(catalog.compiler(), entry).unwrap()
    };
    let often = ask(7);
    for number in 0..100 {
        ask(number);
        assert!(Arc::ptr_eq(&often, &ask(7)), "tool {number}");
        assert!(is_full(), "{} bytes", shelf.bytes());
    }
    assert!(shelf.evicted() >= 97 && shelf.compiled_again() >= 96);
    // One that gave way while a call has it is the same when it is asked for again.
    let held = ask(0);
    (1..100).for_each(|number| drop(ask(number)));
    let again = shelf.compiled_again();
    assert!(Arc::ptr_eq(&held, &ask(0)) && shelf.compiled_again() == again);
}

#[test]
fn a_tool_that_is_larger_than_the_bound_is_compiled_for_each_call() {
    let catalog = with_room_for(of_one_tool() - 1);
    put(&catalog, 0..2, "One.");
    let entry = catalog.snapshot().tools["t0001"].clone();
    let compiled = || entry.compiled.compiled(catalog.compiler(), &entry).unwrap();
    let used = compiled();
    assert!(Arc::ptr_eq(&used, &compiled()), "calls share it");
    let unused = Arc::downgrade(&used);
    drop(used);
    assert!(unused.upgrade().is_none(), "nobody uses it");
    assert!(compiled().listing("x", None, Era::Modern).contains("One."));
    let shelf = catalog.compiler().shelf();
    assert_eq!((shelf.tools(), shelf.bytes(), shelf.compiled_again()), (0, 0, 2));
}

#[test]
fn instances_that_change_a_tool_share_its_call_although_it_does_not_stay_compiled() {
    let catalog = with_room_for(0);
    put(&catalog, 0..1, "One.");
    let snapshot = catalog.snapshot();
    let entry = &snapshot.tools["t0000"];
    let compiler = catalog.compiler();
    let with = |value: &str| {
        let overrides = Arc::new(ToolOverrides {
            defaults: [("a".to_owned(), value.into())].into(),
            hide: Vec::new(),
        });
        let stored = Compile::with_overrides(compiler, entry, &overrides).unwrap();
        stored.compiled(compiler, entry).unwrap()
    };
    let (one, other) = (with("1"), with("2"));
    let own = entry.compiled.compiled(compiler, entry).unwrap();
    let call = |tool: &CompiledTool| match &tool.target {
        Target::Http(call) => call.clone(),
        Target::Static(_) => panic!("it is an HTTP request"),
    };
    assert!(Arc::ptr_eq(&call(&one), &call(&other)) && Arc::ptr_eq(&call(&one), &call(&own)));
    let unused = Arc::downgrade(&own);
    drop((one, other, own));
    assert!(unused.upgrade().is_none(), "nobody uses it");
}

#[test]
fn a_tool_that_is_replaced_gives_its_place_up() {
    let catalog = Catalog::new(ToolCompiler::default());
    put(&catalog, 0..KEPT_UNASKED, "One.");
    for _ in 0..3 {
        put(&catalog, 0..10, "Two.");
        put(&catalog, 0..10, "Three.");
    }
    let taken = catalog.compiler().shelf().tools();
    assert!((KEPT_UNASKED - 10..=KEPT_UNASKED).contains(&taken), "{taken}");
}

/// A tool with places and retries.
fn put_bounded(catalog: &Catalog<ToolCompiler>, id: &str, concurrency: u32) {
    let revision = catalog.snapshot().revision + 1;
    let binding = format!(
        r#"{{"domain":"a.example","method":"GET","path":"/","retry":{{"max":1}},"limits":{{"concurrency":{concurrency}}}}}"#
    );
    let body = format!(r#"{{"name":"{id}","description":"d","tds_ext_info":{binding}}}"#);
    let changes = vec![Change::Put(Record {
        key: Key::tool(id.to_owned()),
        revision,
        updated_at: None,
        body: body.into(),
    })];
    catalog.apply(Batch { revision, changes });
}

fn resolved(catalog: &Catalog<ToolCompiler>, id: &str) -> (Arc<CompiledTool>, Arc<Lived<ToolState>>) {
    let entry = catalog.snapshot().tools[id].clone();
    let tool = entry.compiled.compiled(catalog.compiler(), &entry).unwrap();
    let state = entry.compiled.live(tool.clone()).state.unwrap();
    (tool, state)
}

#[test]
fn what_calls_used_up_stays_used_up_in_the_next_version_and_after_the_tool_was_given_up() {
    let catalog = with_room_for(0);
    put_bounded(&catalog, "bounded", 1);
    let (tool, state) = resolved(&catalog, "bounded");
    while state.retries.spend() {}
    let gone = Arc::downgrade(&tool);
    drop((tool, state));
    assert!(gone.upgrade().is_none(), "it is not kept");
    assert!(!resolved(&catalog, "bounded").1.retries.spend());
    put_bounded(&catalog, "bounded", 2);
    assert!(!resolved(&catalog, "bounded").1.retries.spend());
    // A version that has no use for it leaves it to the next one.
    let key = Key::tool("bounded".to_owned());
    let plain =
        r#"{"name":"b","description":"d","tds_ext_info":{"domain":"a.example","method":"GET","path":"/"}}"#;
    let revision = catalog.snapshot().revision + 1;
    let record = Record {
        key,
        revision,
        updated_at: None,
        body: plain.into(),
    };
    catalog.apply(Batch {
        revision,
        changes: vec![Change::Put(record)],
    });
    put_bounded(&catalog, "bounded", 2);
    assert!(!resolved(&catalog, "bounded").1.retries.spend());
}

#[test]
fn the_limit_of_the_newest_version_holds_for_all_who_call() {
    let catalog = Catalog::new(ToolCompiler::default());
    put_bounded(&catalog, "bounded", 1);
    let before = catalog.snapshot().tools["bounded"].clone();
    let (old, state) = resolved(&catalog, "bounded");
    let under_way = state.gate.try_enter().unwrap();
    assert!(state.gate.try_enter().is_none());

    put_bounded(&catalog, "bounded", 3);
    assert!(
        state.gate.try_enter().is_none(),
        "nobody has asked for the new one"
    );
    let (_, now) = resolved(&catalog, "bounded");
    assert!(Arc::ptr_eq(&state, &now));
    let more = (now.gate.try_enter(), now.gate.try_enter());
    assert!(more.0.is_some() && more.1.is_some() && now.gate.try_enter().is_none());

    // A view of the old version that is built late changes nothing.
    before.compiled.live(old);
    assert_eq!(now.gate.most(), 3);
    drop((under_way, more));
    put_bounded(&catalog, "bounded", 1);
    let (_, now) = resolved(&catalog, "bounded");
    let one = now.gate.try_enter();
    assert!(one.is_some() && now.gate.try_enter().is_none());
}

#[test]
fn a_state_goes_with_its_definition_and_drafts_leave_none() {
    let catalog = Catalog::new(ToolCompiler::default());
    put(&catalog, 0..3, "One.");
    assert_eq!(catalog.compiler().states(), 0, "calls share nothing");
    put_bounded(&catalog, "a", 1);
    put_bounded(&catalog, "b", 1);
    assert_eq!(catalog.compiler().states(), 2);
    let draft = catalog.snapshot().tools["a"].document.clone();
    catalog.check(&Key::tool("c".to_owned()), &draft).unwrap();
    assert_eq!(catalog.compiler().states(), 2);

    let (_, in_use) = resolved(&catalog, "a");
    let revision = catalog.snapshot().revision + 1;
    let delete = |id: &str| Change::Delete {
        key: Key::tool(id.to_owned()),
        revision,
    };
    let changes = vec![delete("a"), delete("b")];
    catalog.apply(Batch { revision, changes });
    assert_eq!(catalog.compiler().states(), 1, "one is in use");
    drop(in_use);
    assert_eq!(catalog.compiler().states(), 0);
}

#[test]
fn what_is_listed_and_always_refused_is_told_of_when_it_is_stored() {
    let catalog = Catalog::new(ToolCompiler::default());
    let store = |key: Key, body: serde_json::Value| {
        let revision = catalog.snapshot().revision + 1;
        let put = Change::Put(Record {
            key,
            revision,
            updated_at: None,
            body: body.to_string().into(),
        });
        catalog.apply(Batch {
            revision,
            changes: vec![put],
        });
    };
    let tool = |properties: serde_json::Value, binding: serde_json::Value| {
        let mut all = serde_json::json!({"domain": "a.example", "method": "GET", "path": "/"});
        all.as_object_mut()
            .unwrap()
            .extend(binding.as_object().unwrap().clone());
        store(
            Key::tool("t"),
            serde_json::json!({"name": "t", "description": "d", "tds_ext_info": all,
                "input_schema": {"type": "object", "properties": properties}}),
        );
        catalog.snapshot().tools["t"].warnings.clone()
    };
    let text = serde_json::json!({"type": "string"});
    let object = serde_json::json!({"type": "object"});
    let query = serde_json::json!({"query": {"filter[t]": "x"}});
    let form = serde_json::json!({"method": "POST", "body": {"mode": "form"},
        "params": [{"name": "t", "in": "body", "as": "filter[t]", "const": "x"}]});
    for (properties, binding, expected) in [
        (
            serde_json::json!({"filter": text, "page": text}),
            &query,
            "`filter`",
        ),
        (
            serde_json::json!({"query": {"type": "object", "properties": {"filter": text}}}),
            &query,
            "`query.filter`",
        ),
        (serde_json::json!({"filter": text}), &form, "`filter`"),
        // It is sent under the names of its members.
        (serde_json::json!({"filter": object}), &query, ""),
        (serde_json::json!({"filters": text, "filter_t": text}), &query, ""),
    ] {
        let warnings = tool(properties.clone(), binding.clone());
        let warnings: Vec<_> = warnings
            .iter()
            .filter(|warning| warning.contains("is refused"))
            .collect();
        match expected {
            "" => assert!(warnings.is_empty(), "{properties}: {warnings:?}"),
            name => {
                assert_eq!(warnings.len(), 1, "{properties} {binding}");
                assert!(warnings[0].contains(&format!("{name} is listed")), "{warnings:?}");
            }
        }
    }

    let codes = serde_json::json!({"params": [{"name": "codes", "in": "query", "as": "code[]"}]});
    let warnings = tool(serde_json::json!({"code": text, "codes": text}), codes);
    assert!(
        warnings.iter().all(|warning| !warning.contains("is refused")),
        "{warnings:?}"
    );
    let instance = |entry: serde_json::Value| {
        store(
            Key::instance("i"),
            serde_json::json!({"name": "i", "tool_ids": [entry]}),
        );
        catalog.snapshot().instances["i"].warnings.clone()
    };
    let hides = instance(serde_json::json!({"id": "t", "hide": ["codes"]}));
    assert_eq!(hides.len(), 1, "{hides:?}");
    assert!(
        hides[0].starts_with("tool_ids[0].hide: `code` is listed, and every call"),
        "{hides:?}"
    );
    for entry in [
        serde_json::json!({"id": "t", "hide": ["codes", "code"]}),
        serde_json::json!({"id": "t", "defaults": {"codes": "a"}}),
        serde_json::json!("t"),
    ] {
        assert_eq!(instance(entry.clone()), Vec::<String>::new(), "{entry}");
    }
}
