use super::*;
use serde_json::{Value, json};

fn listing() -> Listing {
    let entry = |kind: &str, id: &str, revision: u64| json!({"kind": kind, "id": id, "revision": revision, "document": {}});
    let gone = |id: &str, revision: u64| json!({"kind": "tds", "id": id, "revision": revision});
    let listing: Value = json!({
        "revision": 9,
        "definitions": [entry("tds", "new", 9), entry("tds", "old", 2), entry("tds", "back", 6), entry("zds", "odd", 5)],
        "deleted": [gone("gone", 7), gone("back", 4), gone("long gone", 2)],
        "deleted_since": 1,
    });
    Listing::parse(listing.to_string().as_bytes()).unwrap()
}

fn from(revision: Revision, unreadable: &[&str]) -> Place {
    Place {
        revision,
        etag: None,
        unreadable: unreadable.iter().map(|place| (*place).to_owned()).collect(),
    }
}

fn shown(change: &Change) -> String {
    match change {
        Change::Put(record) => format!("{} +{}", record.revision, record.key.id),
        Change::Delete { key, revision } => format!("{revision} -{}", key.id),
        Change::Unreadable(entry) => format!("{} !{}", entry.revision, entry.place),
        Change::Readable { place, revision } => format!("{revision} ok {place}"),
    }
}

#[test]
fn what_is_new_comes_in_order() {
    let batch = since(&from(3, &["ids `mended`"]), listing()).unwrap();
    let changes: Vec<_> = batch.changes.iter().map(shown).collect();
    let expected = [
        "5 !zds `odd`",
        "6 +back",
        "7 -gone",
        "9 +new",
        "9 ok ids `mended`",
    ];
    assert_eq!(
        (batch.revision, changes),
        (9, expected.map(str::to_owned).to_vec())
    );
    // What was told is not told again.
    let batch = since(&from(9, &["zds `odd`"]), listing()).unwrap();
    assert_eq!((batch.revision, batch.changes), (9, vec![]));
}

#[test]
fn who_cannot_be_told_everything_loads_again() {
    for lost in [0, 10] {
        let error = since(&from(lost, &[]), listing()).unwrap_err();
        assert!(
            matches!(error, SourceError::HistoryLost { from } if from == lost),
            "{error}"
        );
    }
    assert!(since(&from(1, &[]), listing()).is_ok());
}
