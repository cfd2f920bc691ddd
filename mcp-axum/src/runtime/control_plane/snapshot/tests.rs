use super::{format, *};
use bytes::Bytes;
use mcp_common::{
    catalog::Catalog,
    datasource::{Load, Record},
    key::Key,
};
use mcp_core::tool::ToolCompiler;
use serde_json::{Value, json};
use std::{fs, time::SystemTime};
use tempfile::TempDir;

fn place(directory: &TempDir, settings: Value) -> Place {
    Place {
        file: directory.path().join("data").join(FILE),
        owner: Owner::new("etcd", Some(&settings)),
        is_unusable: Arc::default(),
    }
}

fn endpoints() -> Value {
    json!({"endpoints": ["http://a:2379"], "password": "x"})
}

fn catalog() -> Catalog<ToolCompiler> {
    let tool = |description: &str| {
        json!({"name": "t", "description": description, "input_schema": {},
            "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/"}})
    };
    let record = |key, revision, body: String| Record {
        key,
        revision,
        updated_at: Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_764_000_000_123)),
        body: body.into(),
    };
    let catalog = Catalog::new(ToolCompiler::default());
    let load = |revision, records| Load {
        revision,
        records,
        ..Load::default()
    };
    let pretty = serde_json::to_string_pretty(&tool("two\nlines 天气")).unwrap();
    let instance = json!({"name": "i", "tool_ids": ["t"]}).to_string();
    let instance = record(Key::instance("i"), 2, instance);
    catalog.replace(load(2, vec![record(Key::tool("t"), 1, pretty), instance.clone()]));
    catalog.replace(load(
        3,
        vec![record(Key::tool("t"), 3, tool("").to_string()), instance],
    ));
    catalog
}

#[test]
fn comes_back_as_it_was() {
    let directory = TempDir::new().unwrap();
    let place = place(&directory, endpoints());
    assert!(place.read_now().unwrap().is_none(), "there is none yet");
    let catalog = catalog();
    place.write(&catalog.snapshot()).unwrap();
    let remembered = place.read_now().unwrap().unwrap();
    assert_eq!(remembered.revision, 3);
    let of = |records: &[Record]| -> Vec<_> {
        records
            .iter()
            .map(|record| (record.key.clone(), record.revision))
            .collect()
    };
    assert_eq!(
        of(&remembered.served),
        [(Key::tool("t"), 1), (Key::instance("i"), 2)]
    );
    assert_eq!(of(&remembered.waiting), [(Key::tool("t"), 3)]);
    let after = Catalog::new(ToolCompiler::default());
    after.remember(remembered);
    let (before, after) = (catalog.snapshot(), after.snapshot());
    assert_eq!(
        after.tools["t"].document.as_json(),
        before.tools["t"].document.as_json()
    );
    assert_eq!(after.tools["t"].updated_at, before.tools["t"].updated_at);
    assert_eq!(after.quarantine.len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&place.file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let files = fs::read_dir(place.file.parent().unwrap()).unwrap().count();
    assert_eq!(files, 1, "nothing else is left");
}

#[test]
fn what_is_not_whole_is_not_used() {
    let mut text = Vec::new();
    let owner = Owner::new("etcd", Some(&endpoints()));
    format::write(&catalog().snapshot(), &owner, &mut text).unwrap();
    let reason = |text: Vec<u8>| format::read(Bytes::from(text), &owner).unwrap_err().to_string();
    for cut in 0..text.len() {
        assert!(
            reason(text[..cut].to_vec()).contains("going on without it"),
            "cut at {cut}"
        );
    }
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] ^= 1;
        let reason = reason(changed);
        assert!(
            reason.contains("is damaged") || reason.contains("of another version"),
            "{at}: {reason}"
        );
    }
    let newer = [b"dynmcp-snapshot 2\n", &text[18..]].concat();
    assert!(reason(newer).starts_with("has the format 2 of another version"));
    assert!(reason(b"port = 8080\n".to_vec()).contains("does not begin like one"));
}

#[test]
fn of_a_url_that_which_says_where_counts() {
    let owner = |url: &str| Owner::new("postgres", Some(&json!({ "url": url })));
    let one = owner("postgres://u:p@db.example.com/tools");
    for same in [
        "postgres://v:q@db.example.com/tools",
        "postgres://u:p@db.example.com/tools?sslmode=require&application_name=x",
        "postgres://u:p@db.example.com/tools?user=v&password=q",
    ] {
        assert_eq!(owner(same), one, "{same}");
    }
    let schema = owner("postgres://u:p@db.example.com/tools?options=-csearch_path%3Da");
    let other = owner("postgres://u:p@db.example.com/tools?options=-csearch_path%3Db&sslmode=require");
    let database = owner("postgres://u:p@db.example.com/?dbname=others");
    assert!(schema != one && other != one && schema != other && database != one);
}

/// A key that is new in the configuration has to be looked at: does it say where the store is, or how it is used?
#[test]
fn only_what_says_where_a_store_is_makes_it_another_one() {
    let tables: toml::Table = crate::settings::DEFAULT_TOML.parse().unwrap();
    for (source, table) in tables["data_source"].as_table().unwrap() {
        let table = serde_json::to_value(table).unwrap();
        let owner = Owner::new(source, Some(&table));
        let says_where = table.as_object().unwrap().keys().filter(|key| {
            let mut other = table.clone();
            other[key.as_str()] = "another".into();
            Owner::new(source, Some(&other)) != owner
        });
        let expected: &[&str] = match source.as_str() {
            "sqlite" | "file" => &["path"],
            "mysql" | "postgres" => &["url"],
            "etcd" => &["endpoints", "prefix"],
            other => panic!("which settings say where {other} is?"),
        };
        assert_eq!(says_where.collect::<Vec<_>>(), expected, "{source}");
    }
}

#[test]
fn another_store_is_another_owner() {
    let directory = TempDir::new().unwrap();
    place(&directory, endpoints())
        .write(&catalog().snapshot())
        .unwrap();
    let same = json!({"password": "y", "poll_ms": 3, "endpoints": ["http://root:pw@a:2379?sslmode=require"]});
    assert!(
        place(&directory, same).read_now().unwrap().is_some(),
        "only how it is reached is different"
    );
    let reason = |place: Place| place.read_now().unwrap_err().to_string();
    let other = place(&directory, json!({"endpoints": ["http://b:2379"]}));
    assert!(reason(other).starts_with("is of another data source (with other settings)"));
    let mut other = place(&directory, endpoints());
    other.owner.source = "mysql".to_owned();
    assert!(reason(other).starts_with("is of another data source (etcd)"));
}
