use super::*;

fn read(path: &str, text: &str) -> Parsed {
    parse(Path::new(path), text.as_bytes())
}

/// Key, line and body of each document.
fn documents(path: &str, text: &str) -> Vec<(Key, usize, String)> {
    let parsed = read(path, text);
    assert_eq!(parsed.faults, [], "{text}");
    let text = |document: Document| String::from_utf8(document.body.to_vec()).unwrap();
    parsed
        .documents
        .into_iter()
        .map(|document| (document.key.clone(), document.line, text(document)))
        .collect()
}

fn fault(path: &str, text: &str) -> (usize, String) {
    let faults = read(path, text).faults;
    assert_eq!(faults.len(), 1, "{text}: {faults:?}");
    (faults[0].line, faults[0].reason.clone())
}

#[test]
fn one_file_may_hold_many_documents() {
    let yaml = "# tools\nid: a\ntds_ext_info: {}\n---\nid: b\ntool_ids: []\n---\n";
    let expected = [
        (Key::tool("a"), 2, r#"{"id":"a","tds_ext_info":{}}"#.to_owned()),
        (Key::instance("b"), 5, r#"{"id":"b","tool_ids":[]}"#.to_owned()),
    ];
    assert_eq!(documents("x.yaml", yaml), expected);
    assert_eq!(
        documents(
            "x.yml",
            "- {id: a}\n- {id: b}\n".replace("{id", "{kind: tds, id").as_str()
        )
        .len(),
        2
    );
    let json = "[\n {\"id\": \"a\", \"tds_ext_info\": {\"n\": 1.10}},\n {\"id\": \"b\", \"tool_ids\": []}\n]";
    let read = documents("x.json", json);
    assert_eq!(
        read[0],
        (
            Key::tool("a"),
            2,
            r#"{"id": "a", "tds_ext_info": {"n": 1.10}}"#.to_owned()
        )
    );
    assert_eq!((&read[1].0, read[1].1), (&Key::instance("b"), 3));
    let toml = "[[tds]]\nid = \"a\"\n\n[[ids]]\nid = \"b\"\nname = \"B\"\n";
    let expected = [
        (Key::tool("a"), 1, r#"{"id":"a"}"#.to_owned()),
        (Key::instance("b"), 4, r#"{"id":"b","name":"B"}"#.to_owned()),
    ];
    assert_eq!(documents("x.toml", toml), expected);
    for (path, text) in [
        ("x.yaml", "ids: [{id: b, name: B}]\ntds:\n- id: a\n"),
        ("x.json", r#"{"tds": [{"id": "a"}], "ids": [{"id": "b"}]}"#),
    ] {
        let keys: Vec<_> = documents(path, text)
            .into_iter()
            .map(|document| document.0)
            .collect();
        assert!(
            keys.contains(&Key::tool("a")) && keys.contains(&Key::instance("b")),
            "{path}"
        );
    }
}

#[test]
fn kind_and_id_come_from_the_place_or_from_the_document() {
    for (path, text, key) in [
        ("tds/a.yaml", "name: n", Key::tool("a")),
        ("team/ids/a.yaml", "name: n", Key::instance("a")),
        ("tds/a.yaml", "id: b", Key::tool("b")),
        ("a.toml", "kind = 'ids'", Key::instance("a")),
        ("a.json", r#"{"kind": "tool", "id": "b"}"#, Key::tool("b")),
        ("a.yaml", "include: {tags: [x]}", Key::instance("a")),
        ("a.yaml", "url: http://127.0.0.1/mcp", Key::upstream("a")),
        ("a.yaml", "command: uvx", Key::upstream("a")),
    ] {
        assert_eq!(documents(path, text)[0].0, key, "{path}");
    }
    let taken_out = documents("a.json", r#"{"kind": "tds", "x": 1.10}"#);
    assert_eq!(taken_out[0].2, r#"{"x":1.10}"#);
    for (path, text, reason) in [
        ("a.yaml", "name: n", "cannot tell whether"),
        ("tds/a.yaml", "kind: ids", "stated are both TDS and IDS"),
        (
            "tds/a.yaml",
            "kind: xds",
            "`kind` is \"xds\"; write `secrets`, `uds`, `tds`, `ids`, `roles` or `keys`",
        ),
        (
            "uds/a.yaml",
            "kind: http",
            "`kind` is \"http\"; write `secrets`, `uds`, `tds`, `ids`, `roles` or `keys`; how an upstream is spoken to is said by `protocol`",
        ),
        ("tds/a.yaml", "id: 42", "`id` is 42, which is no text"),
        ("tds/a.yaml", "- name: n\n- id: b", "has no `id`"),
        ("tds/a.yaml", "just text", "expected a JSON object"),
    ] {
        let found = fault(path, text).1;
        assert!(found.contains(reason), "{text}: {found}");
    }
}

#[test]
fn a_fault_names_the_line() {
    for (path, text, line, reason) in [
        ("x.yaml", "id: a\nb: [1,\n", 3, "no valid YAML"),
        (
            "x.yaml",
            "id: a\ntds_ext_info: {}\nid: b\n",
            3,
            "`id` appears twice",
        ),
        (
            "x.yaml",
            "id: a\nx: !secret y\n",
            2,
            "the tag `!secret` is not supported",
        ),
        ("x.yaml", "id: a\nx: .inf\n", 2, "JSON does not have"),
        ("x.yaml", "id: a\nx: *nowhere\n", 2, "no valid YAML"),
        (
            "x.json",
            "{\n \"a\": 1,\n}",
            3,
            "no valid JSON at column 1: key must be a string",
        ),
        ("x.toml", "a = 1\nb = \n", 2, "no valid TOML"),
        ("x.toml", "a = 1\na = 2\n", 2, "duplicate key"),
        ("x.toml", "a = 1\nb = nan\n", 2, "JSON does not have"),
        ("x.yaml", "", 1, "is empty"),
        ("x.toml", " \n", 1, "is empty"),
    ] {
        let found = fault(path, text);
        assert!(found.0 == line && found.1.contains(reason), "{text}: {found:?}");
    }
    let parsed = parse(Path::new("x.yaml"), b"a: 1\nb: \xff\n");
    assert!(parsed.faults[0].line == 2 && parsed.faults[0].reason.contains("UTF-8"));
    // The others of the file are read.
    let parsed = read("tds/x.yaml", "id: a\n---\nname: no id\n---\nid: b\n");
    assert_eq!((parsed.documents.len(), parsed.faults[0].line), (2, 3));
}

#[test]
fn numbers_keep_their_digits() {
    let yaml = "a: 1.10\nb: 123456789012345678901234567890\nc: +5\nd: .5\ne: 1.\nf: 0x1F\ng: 0o17\nh: 007\n\
                i: '1'\nj: 1e3\nk: 1.2.3\nl: -0.0\nm: 12:30\nn: 2026-01-02\no: yes\np: !!str 7\n";
    let expected = r#"{"a":1.10,"b":123456789012345678901234567890,"c":5,"d":0.5,"e":1.0,"f":31,"g":15,"h":"007",
        "i":"1","j":1e3,"k":"1.2.3","l":-0.0,"m":"12:30","n":"2026-01-02","o":"yes","p":"7"}"#;
    let squeezed = expected.replace(['\n', ' '], "");
    assert_eq!(documents("tds/x.yaml", yaml)[0].2, squeezed);
    let toml = "a = 1.10\nb = 1_000\nc = 0xff\nd = +1e3\ne = 2026-01-02\nf = 99999999999999999999\n";
    let parsed = read("tds/x.toml", toml);
    let expected = r#"{"a":1.10,"b":1000,"c":255,"d":1e3,"e":"2026-01-02","f":99999999999999999999}"#;
    assert_eq!(
        parsed.documents.first().map(|document| &document.body[..]),
        Some(expected.as_bytes()),
        "{parsed:?}"
    );
}

#[test]
fn anchors_are_written_out() {
    let yaml = "base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nagain: *b\n";
    let expected = r#"{"base":{"x":1,"y":2},"use":{"y":3,"x":1},"again":{"x":1,"y":2}}"#;
    assert_eq!(documents("tds/x.yaml", yaml)[0].2, expected);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            alias.trim_end_matches(", ")
        ));
    }
    assert!(
        fault("tds/x.yaml", &bomb)
            .1
            .contains("with its aliases written out")
    );
    let deep = format!("x: {}{}", "[".repeat(100), "]".repeat(100));
    assert!(
        fault("tds/x.yaml", &deep)
            .1
            .contains("nested deeper than 64 levels")
    );
}
