//! Entries that end, for stores that have them. No part of `datasource_contract!`: a test of its own calls it.

use super::Harness;
use crate::datasource::{DataSource, LeaseSet, Leased, Leases, SourceError};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(600);
const DEADLINE: Duration = Duration::from_secs(30);

fn of(source: &dyn DataSource) -> &dyn Leases {
    source.leases().expect("the source has entries that end")
}

async fn all(source: &dyn DataSource) -> Vec<Leased> {
    let mut entries = of(source).all().await.expect("all entries").entries;
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
}

fn current(result: Result<impl Sized, SourceError>) -> Option<u64> {
    match result {
        Err(SourceError::Conflict { current }) => current,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("nobody noticed that somebody else came first"),
    }
}

/// Entries are seen by everybody, written by whoever knows the version, and end.
pub async fn leases<H: Harness>() {
    let harness = H::fresh().await;
    let (one, other) = (harness.connect().await, harness.connect().await);
    let (one, other) = (&*one, &*other);
    assert_eq!(all(one).await, []);
    let mark = of(other).all().await.expect("all entries").mark;
    let name = "Wetter 東京 'x' ";
    let first = of(one).write(name, "{\"a\": 1}".into(), None, LONG).await;
    let first = first.expect("a first write");
    let told = tokio::time::timeout(DEADLINE, of(other).changed(mark)).await;
    told.expect("a change is told").expect("a store that is there");
    let entry = |body: &'static str, version| Leased {
        name: name.to_owned(),
        body: body.into(),
        version,
    };
    assert_eq!(all(other).await, [entry("{\"a\": 1}", first)]);

    // Two come at once: the second one learns of the first.
    assert_eq!(
        current(of(other).write(name, "x".into(), None, LONG).await),
        Some(first)
    );
    let second = of(other)
        .write(name, "2".into(), Some(first), LONG)
        .await
        .expect("the next");
    assert_ne!(first, second);
    assert_eq!(
        current(of(one).write(name, "x".into(), Some(first), LONG).await),
        Some(second)
    );
    assert_eq!(current(of(one).remove(name, first).await), Some(second));
    assert_eq!(all(one).await, [entry("2", second)]);
    of(one)
        .write(name.trim(), "another".into(), None, LONG)
        .await
        .expect("another name");
    assert_eq!(all(other).await.len(), 2, "a space at the end is part of a name");

    let LeaseSet { mark, .. } = of(other).all().await.expect("all entries");
    of(one).remove(name, second).await.expect("it goes");
    of(one)
        .remove(name, second)
        .await
        .expect("it is not there, as wanted");
    let told = tokio::time::timeout(DEADLINE, of(other).changed(mark)).await;
    told.expect("that is told, too").expect("a store that is there");
    assert_eq!(all(other).await.len(), 1);
    assert_eq!(
        current(of(one).write(name, "x".into(), Some(second), LONG).await),
        None,
        "there is none to be written again"
    );

    // Nobody writes it again.
    let brief = of(one)
        .write("brief", "x".into(), None, Duration::from_secs(1))
        .await;
    let brief = brief.expect("a brief one");
    let waiting = async {
        while all(other).await.iter().any(|entry| entry.name == "brief") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.expect("it ends");
    let again = of(other).write("brief", "y".into(), None, LONG).await;
    assert_ne!(again.expect("its name is free"), brief);
}
