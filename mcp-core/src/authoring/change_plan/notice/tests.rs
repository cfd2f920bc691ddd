use super::*;
use mcp_common::{
    catalog::{Catalog, Proposed},
    datasource::{Batch, Change, Record},
    document::Document,
    key::Key,
};
use serde_json::{Value, json};

fn tool(name: &str, members: Value) -> Value {
    let mut tool = json!({"name": name, "description": "d",
        "tds_ext_info": {"domain": "a.example", "method": "GET", "path": "/"}});
    for (name, value) in members.as_object().unwrap() {
        tool[name] = value.clone();
    }
    tool
}

fn catalog(definitions: Vec<(Key, Value)>) -> Catalog<ToolCompiler> {
    let catalog = Catalog::new(ToolCompiler::default());
    let records = definitions.into_iter().map(|(key, value)| {
        Change::Put(Record {
            key,
            revision: 1,
            updated_at: None,
            body: value.to_string().into(),
        })
    });
    catalog.apply(Batch {
        revision: 1,
        changes: records.collect(),
    });
    catalog
}

fn noticed(catalog: &Catalog<ToolCompiler>, changes: Vec<(Key, Option<Value>)>) -> Vec<InstanceNotice> {
    let proposed: Vec<_> = changes
        .into_iter()
        .map(|(key, value)| Proposed {
            key,
            document: value.map(|value| Document::parse(value.to_string().as_bytes()).unwrap()),
        })
        .collect();
    let preview = catalog.preview(&proposed);
    assert!(preview.is_good(), "{:?}", preview.refusal());
    notices(&preview, catalog.compiler(), catalog.compiler())
}

fn support() -> Catalog<ToolCompiler> {
    catalog(vec![
        (
            Key::tool("a"),
            tool(
                "find",
                json!({"tags": ["x"], "input_schema": {"type": "object", "properties": {"q": {}}}}),
            ),
        ),
        (Key::tool("b"), tool("get", json!({}))),
        (Key::tool("c"), tool("put", json!({}))),
        (
            Key::instance("i"),
            json!({"name": "I", "tool_ids": ["b", "c"], "include": {"tags": ["x"]}}),
        ),
        (Key::instance("j"), json!({"name": "J", "tool_ids": ["c"]})),
    ])
}

#[test]
fn tools_come_go_and_are_renamed() {
    let catalog = support();
    let found = noticed(
        &catalog,
        vec![
            (Key::tool("b"), Some(tool("fetch", json!({})))),
            (Key::tool("c"), None),
            (Key::tool("d"), Some(tool("new", json!({"tags": ["x"]})))),
        ],
    );
    assert_eq!(found.len(), 2);
    let i = &found[0];
    assert_eq!(
        (i.instance.as_str(), i.change, i.breaking),
        ("i", InstanceChange::Stays, true)
    );
    assert_eq!(
        (&i.appear, &i.disappear),
        (&vec!["new".to_owned()], &vec!["put".to_owned()])
    );
    assert_eq!(
        (i.renamed[0].from.as_str(), i.renamed[0].to.as_str()),
        ("get", "fetch")
    );
    assert!(!i.reordered && i.changed.is_empty());
    let j = &found[1];
    assert_eq!(
        (j.disappear.len(), j.after),
        (
            1,
            ListSize {
                tools: 0,
                bytes: 2,
                tokens: 1
            }
        )
    );
    assert!(j.breaking && j.before.bytes > 2);
}

#[test]
fn schemas_and_order_are_noticed_and_what_breaks_is_marked() {
    let catalog = support();
    let required = json!({"tags": ["x"], "input_schema": {"type": "object", "properties": {"q": {}}, "required": ["q"]}});
    let found = noticed(
        &catalog,
        vec![
            (Key::tool("a"), Some(tool("find", required))),
            (
                Key::instance("i"),
                Some(json!({"name": "I", "tool_ids": ["c", "b"], "include": {"tags": ["x"]}})),
            ),
        ],
    );
    let [i] = &found[..] else { panic!("{found:?}") };
    assert!(i.reordered && i.breaking && i.appear.is_empty() && i.disappear.is_empty());
    assert_eq!(i.changed[0].name, "find");
    let notice = Notice {
        text: "argument `q`: required now".to_owned(),
        breaking: true,
    };
    assert_eq!(i.changed[0].changes, [notice]);
    assert!(i.after.bytes > i.before.bytes && i.after.tokens > i.before.tokens);

    let described = tool("get", json!({"description": "Something else."}));
    let found = noticed(&catalog, vec![(Key::tool("b"), Some(described))]);
    assert!(!found[0].breaking);
    assert_eq!(found[0].changed[0].changes[0].text, "another description");
}

#[test]
fn instances_come_and_go() {
    let catalog = support();
    let off = json!({"name": "J", "tool_ids": ["c"], "enabled": false});
    let found = noticed(
        &catalog,
        vec![
            (Key::instance("j"), Some(off)),
            (Key::instance("k"), Some(json!({"name": "K", "tool_ids": ["c"]}))),
            (
                Key::instance("i"),
                Some(
                    json!({"name": "I", "tool_ids": ["b", "c"], "include": {"tags": ["x"]}, "auth": "none"}),
                ),
            ),
        ],
    );
    let summary: Vec<_> = found
        .iter()
        .map(|found| (found.instance.as_str(), found.change, found.breaking))
        .collect();
    assert_eq!(
        summary,
        [
            ("i", InstanceChange::Stays, false),
            ("j", InstanceChange::Disappears, true),
            ("k", InstanceChange::Appears, false)
        ]
    );
    assert_eq!(found[0].other[0].text, "clients need no key any more");
    // A tool in no instance, and a member that no client sees, are nothing to notice.
    let unseen = tool("get", json!({"examples": []}));
    assert!(
        noticed(
            &catalog,
            vec![
                (Key::tool("z"), Some(tool("z", json!({})))),
                (Key::tool("b"), Some(unseen))
            ]
        )
        .is_empty()
    );
}
