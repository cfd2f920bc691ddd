//! JSON: one object, an array of them, or lists that are called like the kinds (`tds`, `ids`, …). Every document stays the text it is.

use super::{Fault, Piece, lines::Lines};
use indexmap::IndexMap;
use mcp_common::{json, key::Kind};
use serde_json::value::RawValue;

pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Fault> {
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| syntax(&error))?;
    let file = File {
        text,
        lines: Lines::of(text.as_bytes()),
    };
    if let Some(elements) = list(whole) {
        return Ok(file.all(&elements, None));
    }
    let lists = bundle(whole);
    if lists.is_empty() {
        return Ok(vec![file.piece(whole, None)]);
    }
    let pieces = lists
        .into_iter()
        .flat_map(|(kind, elements)| file.all(&elements, Some(kind)));
    Ok(pieces.collect())
}

/// The lists of a bundle; not empty if the object has no other members than lists named like a kind.
fn bundle(whole: &RawValue) -> Vec<(Kind, Vec<&RawValue>)> {
    let members: IndexMap<String, &RawValue> = serde_json::from_str(whole.get()).unwrap_or_default();
    let lists = members.iter().map(|(name, value)| {
        let kind = Kind::of_segment(name);
        Some((kind?, list(value)?))
    });
    lists.collect::<Option<Vec<_>>>().unwrap_or_default()
}

fn list(value: &RawValue) -> Option<Vec<&RawValue>> {
    if !value.get().starts_with('[') {
        return None;
    }
    serde_json::from_str(value.get()).ok()
}

struct File<'a> {
    text: &'a str,
    lines: Lines,
}

impl File<'_> {
    fn all(&self, elements: &[&RawValue], kind: Option<Kind>) -> Vec<Piece> {
        let pieces = elements.iter().map(|element| self.piece(element, kind));
        pieces.collect()
    }

    fn piece(&self, value: &RawValue, kind: Option<Kind>) -> Piece {
        // The value borrows from the text, so its address says where it stands.
        let offset = (value.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Piece {
            line: self.lines.at(offset),
            json: value.get().to_owned(),
            kind,
        }
    }
}

fn syntax(error: &serde_json::Error) -> Fault {
    let what = json::reason(error);
    Fault::new(
        error.line(),
        format!("no valid JSON at column {}: {what}", error.column()),
    )
}
