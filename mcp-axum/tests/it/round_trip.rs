//! Whatever is stored: exported and read again, there is nothing to do.

use mcp_common::{
    catalog::Catalog,
    datasource::{Load, Record},
    document::Document,
    key::{Key, Kind},
};
use mcp_core::{
    authoring::{
        change_plan::{DesiredDefinition, PlanOptions, Prune, Stored, examine},
        export::{FileNames, Wanted, bundle, canonical, export},
    },
    tool::ToolCompiler,
};
use mcp_plugin::datasource::file;
use proptest::{collection::vec, prelude::*};
use std::{collections::BTreeMap, fs, path::Path};

/// JSON texts, numbers of every spelling among them.
fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[ -!#-\\[\\]-~]{0,4}".prop_map(|text| format!("\"\\u00e9\\ud83d\\ude00{text}\"")),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
            members(inner).prop_map(|members| object(&members)),
        ]
    })
}

fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = prop_oneof![any::<String>(), "[a-z_]{1,8}"];
    proptest::collection::btree_map(name, value, 0..5)
}

fn object(members: &BTreeMap<String, String>) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{} :{value}", serde_json::to_string(name).unwrap()))
        .collect();
    format!("{{{}}}", members.join(",\n"))
}

fn definition() -> impl Strategy<Value = (Key, String)> {
    let id = prop_oneof!["[^/\\x00-\\x1f\\x7f]{1,12}", "[aA]{1,3}", "\\.{1,2}[a-z]?"];
    let body = (members(json()), members(json()), proptest::bool::ANY).prop_map(
        |(mut members, binding, has_binding)| {
            if has_binding {
                members.insert("tds_ext_info".to_owned(), object(&binding));
            }
            members.remove("kind");
            object(&members)
        },
    );
    let kind = prop_oneof![Just(Kind::TOOL), Just(Kind::INSTANCE)];
    (kind, id, body).prop_map(|(kind, id, body)| (Key { kind, id: id.into() }, body))
}

/// Changed members and deletions, were the files applied with pruning.
fn left_to_do(root: &Path, stored: &Stored) -> (Vec<String>, Vec<String>) {
    let contents = file::read(root).unwrap();
    assert_eq!(contents.faults, []);
    let wanted: Vec<_> = contents
        .definitions
        .iter()
        .map(|found| {
            let document = Document::parse(&found.body).unwrap();
            DesiredDefinition::new(&found.key, Some(found.place.clone()), &document)
        })
        .collect();
    let options = PlanOptions {
        prune: Prune::All,
        ..PlanOptions::default()
    };
    let catalog = Catalog::new(ToolCompiler::default());
    let report = examine(&wanted, &options, stored, &catalog).report;
    let todo = report.changes.iter().map(|change| format!("{change:?}"));
    (
        todo.chain(report.created).chain(report.removed).collect(),
        report.unchanged,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn export_then_plan_says_nothing_to_do(definitions in vec(definition(), 1..6)) {
        let definitions: BTreeMap<Key, String> = definitions.into_iter().collect();
        let records = definitions.iter().map(|(key, body)| Record {
            key: key.clone(),
            revision: 1,
            updated_at: None,
            body: body.clone().into(),
        });
        let stored = Stored::from(Load { revision: 1, records: records.collect(), unreadable: Vec::new() });
        let exported = export(&stored, Wanted::default()).unwrap();
        prop_assert!(exported.skipped.is_empty(), "{:?}", exported.skipped);

        let folder = tempfile::tempdir().unwrap();
        let mut names = FileNames::default();
        for (key, document) in &exported.definitions {
            let text = canonical(key, document);
            // One spelling: what is read from the file is written like this again.
            let again = canonical(key, &Document::parse(text.as_bytes()).unwrap());
            prop_assert_eq!(&again, &text);
            let path = folder.path().join(names.name(key));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let (todo, unchanged) = left_to_do(folder.path(), &stored);
        prop_assert!(todo.is_empty(), "{todo:?}");
        prop_assert_eq!(unchanged.len(), definitions.len());

        let file = folder.path().join("all.json");
        fs::write(&file, bundle(&exported.definitions)).unwrap();
        let (todo, unchanged) = left_to_do(&file, &stored);
        prop_assert!(todo.is_empty(), "{todo:?}");
        prop_assert_eq!(unchanged.len(), definitions.len());
    }
}
