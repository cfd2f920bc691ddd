use super::*;
use serde_json::json;

fn parse(listing: &Value) -> Listing {
    Listing::parse(listing.to_string().as_bytes()).unwrap()
}

fn entry(kind: &str, id: &str, revision: u64) -> Value {
    json!({"kind": kind, "id": id, "revision": revision, "document": {}})
}

#[test]
fn a_document_is_what_stands_there_or_the_text_of_it() {
    let listing = br#"{"revision": 3, "definitions": [
        {"kind": "tds", "id": "a", "revision": 2, "updated_at": 1, "document": {"z": 1.10,  "a": "\u00fc"}, "more": 1},
        {"kind": "IDS", "id": "b", "revision": 3, "document": "{\"x\":\n"}
    ]}"#;
    let listing = Listing::parse(listing).unwrap();
    let [a, b] = &listing.records[..] else {
        panic!("{listing:?}")
    };
    assert_eq!((&a.key, a.revision), (&Key::tool("a"), 2));
    assert_eq!(a.body, r#"{"z": 1.10,  "a": "\u00fc"}"#);
    assert_eq!(
        a.updated_at,
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1))
    );
    assert_eq!((&b.key, &b.body[..]), (&Key::instance("b"), &b"{\"x\":\n"[..]));
}

#[test]
fn what_is_no_listing_is_refused_as_a_whole() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"revision": 1}"#,
        r#"{"revision": -1, "definitions": []}"#,
        r#"{"revision": 1, "definitions": [{}]"#,
    ] {
        let reason = Listing::parse(body.as_bytes()).map(|_| ()).unwrap_err();
        assert!(reason.contains("no listing of definitions"), "{body}: {reason}");
    }
}

#[test]
fn an_entry_that_makes_no_sense_leaves_the_others_alone() {
    let good = entry("tds", "good", 5);
    let listing = parse(&json!({"revision": 7, "definitions": [
        entry("pds", "x", 4), 3, {"id": "b", "revision": 2}, entry("tds", "late", 8), good, good,
        {"kind": "tds", "id": "bare", "revision": 6},
    ]}));
    assert_eq!(listing.records.len(), 1);
    let found = listing.unreadable.iter();
    let found: Vec<_> = found
        .map(|entry| (&*entry.place, entry.revision, &*entry.reason))
        .collect();
    let expected = [
        (
            "definitions[1]",
            7,
            "invalid type: integer `3`, expected an object with `kind`, `id`, `revision` and `document`",
        ),
        ("definitions[2]", 7, "missing field `kind`"),
        (
            "pds `x`",
            4,
            "`pds` is no kind of definition; there are `tds` and `ids`",
        ),
        ("tds `bare`", 6, "missing field `document`"),
        (
            "tds `good`",
            5,
            "stands in the listing twice; the first one counts",
        ),
        ("tds `late`", 7, "has revision 8, and the whole listing only 7"),
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!((found.0, found.1), (expected.0, expected.1));
        assert!(found.2.contains(expected.2), "{found:?}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn deletions_are_known_all_or_not_at_all() {
    let gone = json!({"kind": "tds", "id": "a", "revision": 5});
    let all = parse(&json!({"revision": 7, "definitions": [], "deleted": [gone], "deleted_since": 2}));
    assert_eq!((all.deleted, all.deleted_since), (vec![(Key::tool("a"), 5)], 2));
    for listing in [
        json!({"revision": 7, "definitions": []}),
        json!({"revision": 7, "definitions": [], "deleted": [gone]}),
        json!({"revision": 7, "definitions": [], "deleted": [gone, {"id": "b"}], "deleted_since": 2}),
        json!({"revision": 7, "definitions": [], "deleted": [{"kind": "tds", "id": "a", "revision": 9}], "deleted_since": 2}),
    ] {
        assert_eq!(parse(&listing).deleted_since, 7, "{listing}");
    }
}
