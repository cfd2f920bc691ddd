use super::*;
use mcp_common::datasource::{Load, Record};
use serde_json::{Value, json};

fn stored(definitions: &[(Key, &str)]) -> Stored {
    let records = definitions.iter().zip(1..).map(|((key, body), revision)| Record {
        key: key.clone(),
        revision,
        updated_at: None,
        body: body.to_string().into(),
    });
    Stored::from(Load {
        revision: 9,
        records: records.collect(),
        unreadable: Vec::new(),
    })
}

fn of(instance: &str) -> Wanted<'_> {
    Wanted {
        instance: Some(instance),
        owner: None,
    }
}

const TOOL: &str = r#"{"zeta":[ ],"updated_at":"x","tds_ext_info":{"zzz":1.10,"path":"/","aaa":{},"method":"GET"},"name":"n",
    "n":123456789012345678901234567890,"input_schema":{"type":"object","properties":{"b":{},"a":{"enum":[1,null]}}},
    "revision":7,"description":"gr\u00f6\u00dfer \ud83d\ude00 \"x\"\n"}"#;

#[test]
fn a_definition_has_one_spelling() {
    let key = Key::tool("t");
    let text = canonical(&key, &Document::parse(TOOL.as_bytes()).unwrap());
    let expected = r#"{
  "id": "t",
  "name": "n",
  "description": "größer 😀 \"x\"\n",
  "input_schema": {
    "type": "object",
    "properties": {
      "b": {},
      "a": {
        "enum": [
          1,
          null
        ]
      }
    }
  },
  "tds_ext_info": {
    "method": "GET",
    "path": "/",
    "aaa": {},
    "zzz": 1.10
  },
  "n": 123456789012345678901234567890,
  "zeta": []
}
"#;
    assert_eq!(text, expected);
    let again = canonical(&key, &Document::parse(text.as_bytes()).unwrap());
    assert_eq!(again, text);
}

#[test]
fn an_instance_comes_with_its_tools() {
    let tool = |tags: Value| {
        json!({"name": "n", "description": "d", "tags": tags, "tds_ext_info": {"domain": "a", "method": "GET", "path": "/"}}).to_string()
    };
    let (named, tagged, other) = (tool(json!([])), tool(json!(["x"])), tool(json!(["y"])));
    let instance = r#"{"name":"I","tool_ids":[{"id":"named"},"missing"],"include":{"tags":["x"]},"exclude":{"tool_ids":["out"]}}"#;
    let stored = stored(&[
        (Key::tool("named"), &named),
        (Key::tool("tagged"), &tagged),
        (Key::tool("out"), &tagged),
        (Key::tool("other"), &other),
        (Key::tool("broken"), "[1]"),
        (Key::instance("i"), instance),
        (Key::instance("bad"), r#"{"tool_ids":1}"#),
        (Key::instance("odd"), r#"{"name":"I","kind":"x"}"#),
        (Key::instance("tool-like"), r#"{"name":"I","kind":"tds"}"#),
        (Key::instance("from-a-file"), r#"{"name":"I","kind":"instance"}"#),
    ]);
    let ids = |exported: &Exported| {
        exported
            .definitions
            .iter()
            .map(|(key, _)| key.id.to_string())
            .collect::<Vec<_>>()
    };
    let one = export(&stored, of("i")).unwrap();
    assert_eq!(
        (ids(&one), one.skipped.len()),
        (vec!["named".into(), "tagged".into(), "i".into()], 0)
    );
    let all = export(&stored, Wanted::default()).unwrap();
    assert_eq!(
        ids(&all),
        ["named", "other", "out", "tagged", "bad", "from-a-file", "i"]
    );
    let (key, document) = &all.definitions[5];
    assert_eq!(
        canonical(key, document),
        "{\n  \"id\": \"from-a-file\",\n  \"name\": \"I\"\n}\n"
    );
    let skipped: Vec<_> = all
        .skipped
        .iter()
        .map(|skipped| skipped.operation.as_str())
        .collect();
    assert_eq!(skipped, ["tds/broken", "ids/odd", "ids/tool-like"]);
    assert_eq!(
        export(&stored, of("none")).unwrap_err().to_string(),
        "there is no instance `none`"
    );
    assert!(
        export(&stored, of("bad"))
            .unwrap_err()
            .to_string()
            .starts_with("the instance `bad` cannot be read: ")
    );
    let bundle: Value = serde_json::from_str(&bundle(&one.definitions)).unwrap();
    assert_eq!(
        (bundle["tds"].as_array().unwrap().len(), &bundle["ids"][0]["id"]),
        (2, &json!("i"))
    );
    assert_eq!(
        super::bundle(&[]),
        "{\n  \"secrets\": [],\n  \"uds\": [],\n  \"tds\": [],\n  \"ids\": [],\n  \"roles\": [],\n  \"keys\": []\n}\n"
    );
}

#[test]
fn files_have_names_of_their_own() {
    let mut names = FileNames::default();
    assert_eq!(
        names.name(&Key::tool("orders.get_one-2")),
        "tds/orders.get_one-2.json"
    );
    assert_eq!(
        names.name(&Key::instance("orders.get_one-2")),
        "ids/orders.get_one-2.json"
    );
    assert_eq!(names.name(&Key::tool("../x y")), "tds/%2E.%2Fx%20y.json");
    assert_eq!(names.name(&Key::tool("a")), "tds/a.json");
    let capital = names.name(&Key::tool("A"));
    assert!(capital.starts_with("tds/A-") && capital.len() > 15, "{capital}");
    let long = |end: &str| Key::tool(format!("{}{end}", "ü".repeat(120)));
    let (first, second) = (names.name(&long("1")), names.name(&long("2")));
    assert!(first != second && first.len() < 200, "{first}");
}

#[test]
fn what_an_owner_maintains_is_the_same_whoever_the_owner_is() {
    let tool = |owner: &str| format!(r#"{{"name":"n",{owner}"description":"d"}}"#);
    let of_owner = |owner: &'static str| {
        let (own, other) = (tool(&format!(r#""managed_by":"{owner}","#)), tool(""));
        let stored = stored(&[(Key::tool("a"), &own), (Key::tool("b"), &other)]);
        let wanted = Wanted {
            instance: None,
            owner: Some(owner),
        };
        bundle(&export(&stored, wanted).unwrap().definitions)
    };
    let one = of_owner("one");
    assert_eq!(one, of_owner("two"));
    let read: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(read["tds"], json!([{"id": "a", "name": "n", "description": "d"}]));
}
