//! Collections beside tools and instances: a source keeps definitions of whatever kind there is.

use super::{Follower, Harness, Raw, remove, store, stored};
use crate::{
    definition::{Read, decode, schema_of},
    document::Document,
    key::{Key, Kind, KindRow},
    problem::{Problem, Problems},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// A definition of the kind [`NOTES`], which only tests have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct Note {
    /// The id, which every document may repeat; the key of the store wins.
    #[serde(default)]
    pub id: String,
    /// What it says. Not empty.
    pub note_text: String,
    /// Who is to read it.
    #[serde(default)]
    pub readers: Vec<String>,
}

/// A kind of its own, as another crate would bring it. Tests that want it register it with
/// `inventory::submit! { KindEntry(&NOTES) }`; [`datasource_contract`](crate::datasource_contract) does.
pub static NOTES: KindRow = KindRow {
    name: "NDS",
    segment: "nds",
    noun: "note",
    plural: "notes",
    about: "Notes, which only tests have",
    order: 50,
    telling: &["note_text"],
    members: &["id", "note_text", "readers"],
    inner: &[],
    private: &[],
    schema: |unknown| schema_of::<Note>("urn:dynmcp:schema:nds", "Note", unknown),
    read,
};

fn read(_id: &str, document: &Document) -> Result<Read<crate::key::Definition>, Problems> {
    let (note, warnings) = decode::<Note>(document)?;
    if note.note_text.is_empty() {
        return Err(Problem::at("note_text", "must say something").into());
    }
    Ok(Read {
        definition: Arc::new(note),
        warnings,
    })
}

/// Definitions of every kind, one of the test's own included, are stored, seen by others, changed past the gateway, kept in
/// history and deleted, all under one id.
pub async fn every_kind_is_kept<H: Harness>() {
    let kinds = Kind::all();
    assert!(kinds.contains(&Kind::of(&NOTES)), "not registered: {kinds:?}");
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*harness.connect().await).await;
    let keys: Vec<Key> = kinds
        .iter()
        .map(|kind| Key {
            kind: *kind,
            id: "same".into(),
        })
        .collect();
    let body = |key: &Key, number: u32| format!("{{\"is\":\"{}\",\"n\":{number}}}", key.kind);
    let mut last = 0;
    for key in &keys {
        last = store(&*source, key, body(key, 1)).await;
    }
    follower.until(last).await;
    for key in &keys {
        let written = Some(body(key, 1));
        assert_eq!(follower.body(key), written.as_deref().map(str::as_bytes), "{key}");
        let found = stored(&*source, key).await.map(|record| record.body);
        assert_eq!(found.as_deref(), written.as_deref().map(str::as_bytes), "{key}");
        let changed = body(key, 2);
        if !harness.raw(Raw::Put { key, body: &changed }).await {
            store(&*source, key, changed).await;
        }
    }
    let tool = Key::tool("end");
    let last = store(&*source, &tool, "{}").await;
    follower.until(last).await;
    for key in &keys {
        assert_eq!(follower.body(key), Some(body(key, 2).as_bytes()), "{key}");
        assert!(
            !source.history(key, 9).await.expect("history").is_empty(),
            "{key}"
        );
    }
    let mut last = 0;
    for key in &keys {
        last = remove(&*source, key).await.expect("it was there");
    }
    follower.until(last).await;
    assert_eq!(follower.state.keys().collect::<Vec<_>>(), [&tool]);
}
