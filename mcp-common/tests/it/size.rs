//! What one change of very many definitions touches: what it is about, and nothing else.

use crate::fixture::{Compiler, catalog, delete, instance, put, record, tool};
use mcp_common::{
    catalog::{Applied, Catalog, Snapshot},
    datasource::Load,
    key::Key,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

const TOOLS: usize = 100_000;
const INSTANCES: usize = 10_000;

fn name(number: usize) -> String {
    format!("t{number:06}")
}

/// Ten tools for each instance, each tool in one of them.
fn load() -> Load {
    let tools = (0..TOOLS).map(|number| {
        let name = name(number);
        record(Key::tool(name.as_str()), 1, tool(&name, "first", &[]))
    });
    let instances = (0..INSTANCES).map(|number| {
        let names: Vec<_> = (number * 10..number * 10 + 10).map(name).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        record(Key::instance(format!("i{number:05}")), 1, instance(&names, &[]))
    });
    Load {
        revision: 1,
        records: tools.chain(instances).collect(),
        ..Load::default()
    }
}

/// Ids of entries that are not the very same ones as before, gone ones included.
fn renewed<T>(
    before: &imbl::OrdMap<Arc<str>, Arc<T>>,
    after: &imbl::OrdMap<Arc<str>, Arc<T>>,
) -> BTreeSet<String> {
    let is_same = |id: &Arc<str>, entry| after.get(id).is_some_and(|now| Arc::ptr_eq(now, entry));
    let changed = before.iter().filter(|(id, entry)| !is_same(id, entry));
    let new = after.keys().filter(|id| !before.contains_key(*id));
    changed
        .map(|(id, _)| id)
        .chain(new)
        .map(|id| id.to_string())
        .collect()
}

struct Change {
    applied: Applied,
    compiled: usize,
    tools: BTreeSet<String>,
    instances: BTreeSet<String>,
}

fn change(catalog: &Catalog<Compiler>, work: impl FnOnce(&Catalog<Compiler>) -> Applied) -> Change {
    let count = || catalog.compiler().compiled.load(Ordering::Relaxed);
    let (before, compiled): (Arc<Snapshot<String>>, _) = (catalog.snapshot(), count());
    let applied = work(catalog);
    let after = catalog.snapshot();
    Change {
        applied,
        compiled: count() - compiled,
        tools: renewed(&before.tools, &after.tools),
        instances: renewed(&before.instances, &after.instances),
    }
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn a_change_renews_what_it_is_about_and_nothing_else() {
    let catalog = catalog();
    catalog.replace(load());
    let loaded = catalog.snapshot();
    assert_eq!((loaded.tools.len(), loaded.instances.len()), (TOOLS, INSTANCES));
    assert!(loaded.quarantine.is_empty());

    let (five, ten) = (name(5), name(10));
    let steps: [(&str, usize, &[&str], &[&str]); 5] = [
        ("a changed tool", 1, &["t000005"], &["i00000"]),
        ("a changed instance", 0, &[], &["i00001"]),
        ("a deleted tool", 0, &["t000010"], &["i00001"]),
        ("a new tool that nobody has", 1, &["new"], &[]),
        ("everything loaded again, as it is", 0, &[], &[]),
    ];
    for (step, (what, compiled, tools, instances)) in steps.into_iter().enumerate() {
        let revision = step as u64 + 2;
        let change = change(&catalog, |catalog| match step {
            0 => catalog.apply(put(
                Key::tool(five.as_str()),
                revision,
                tool(&five, "second", &[]),
            )),
            1 => {
                let names = [name(11), ten.clone()];
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                catalog.apply(put(Key::instance("i00001"), revision, instance(&names, &[])))
            }
            2 => catalog.apply(delete(Key::tool(ten.as_str()), revision)),
            3 => catalog.apply(put(Key::tool("new"), revision, tool("new", "first", &[]))),
            _ => catalog.replace(as_it_is(&catalog.snapshot())),
        });
        assert_eq!(change.compiled, compiled, "{what}");
        assert_eq!(change.tools, set(tools), "{what}");
        assert_eq!(change.instances, set(instances), "{what}");
        let told: BTreeSet<_> = change.applied.instances.iter().map(ToString::to_string).collect();
        assert_eq!(told, set(instances), "{what}");
    }
}

/// What a store would give that has what the catalog has.
fn as_it_is(snapshot: &Snapshot<String>) -> Load {
    let records = snapshot
        .kept()
        .map(|kept| record(kept.key.clone(), kept.revision, kept.document.as_json()));
    Load {
        revision: snapshot.revision,
        records: records.collect(),
        ..Load::default()
    }
}
