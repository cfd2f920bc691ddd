use super::*;

fn put(ledger: &mut Ledger, key: &Key, body: Option<&'static str>) -> Revision {
    ledger.append(key, Some("test"), SystemTime::now(), body.map(Bytes::from))
}

#[test]
fn forgotten_deletions_make_those_behind_them_load_again() {
    let mut ledger = Ledger::new(2, Numbering::Count);
    let (gone, kept) = (Key::tool("gone"), Key::tool("kept"));
    put(&mut ledger, &gone, Some("{}"));
    put(&mut ledger, &gone, None);
    for _ in 0..HORIZON {
        put(&mut ledger, &kept, Some("{}"));
    }
    assert!(matches!(
        ledger.changes_after(1),
        Err(SourceError::HistoryLost { from: 1 })
    ));
    assert_eq!(
        ledger.changes_after(2).map(|batch| batch.changes.len()).ok(),
        Some(1)
    );
    assert!(ledger.history(&gone, 9).is_empty());
    assert_eq!(ledger.history(&kept, 9).len(), 2);
}

#[test]
fn places_are_reported_once_and_taken_back() {
    let mut ledger = Ledger::new(2, Numbering::Count);
    ledger.report("a.yaml:1", None);
    assert_eq!(
        ledger.changes_after(0).map(|batch| batch.changes.len()).ok(),
        Some(0)
    );
    ledger.report("a.yaml:1", Some("bad".to_owned()));
    ledger.report("a.yaml:1", Some("bad".to_owned()));
    assert_eq!(ledger.revision(), 1);
    assert_eq!(ledger.load().unreadable.len(), 1);
    ledger.report("a.yaml:1", None);
    assert!(ledger.load().unreadable.is_empty());
    let changes = ledger.changes_after(1).map(|batch| batch.changes).ok();
    let place = "a.yaml:1".to_owned();
    assert_eq!(changes, Some(vec![Change::Readable { place, revision: 2 }]));
}

#[test]
fn a_clock_is_never_behind_the_count() {
    let mut ledger = Ledger::new(2, Numbering::Clock);
    let key = Key::tool("t");
    let revisions: Vec<_> = (0..1_000).map(|_| put(&mut ledger, &key, Some("{}"))).collect();
    assert!(revisions.is_sorted_by(|a, b| a < b));
    assert!(revisions[0] > 1_700_000_000_000_000);
}
