//! Text of one file → the documents in it, each as JSON text with its kind, its id and its line.

mod identify;
mod json;
mod lines;
mod scalar;
mod toml;
mod value;
mod yaml;

use bytes::Bytes;
use identify::identify;
use lines::Lines;
use mcp_common::key::{Key, Kind};
use std::path::Path;

/// Larger files are refused unread.
pub(super) const LARGEST: u64 = 64 * 1024 * 1024;

/// How much of a document a reason may repeat, in bytes: parsers quote what they do not understand.
const MOST_REASON: usize = 500;
const MOST_VALUE: usize = 60;

/// One document of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) key: Key,
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    /// The document as JSON text.
    pub(super) body: Bytes,
}

/// What keeps a file, or one document of it, from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) reason: String,
}

/// What a file holds. With a fault in it, documents may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) documents: Vec<Document>,
    pub(super) faults: Vec<Fault>,
}

/// A document before it is known what it is.
struct Piece {
    line: usize,
    json: String,
    /// The kind, from the list that it stands in.
    kind: Option<Kind>,
}

impl Fault {
    fn new(line: usize, reason: impl Into<String>) -> Self {
        Self {
            line: line.max(1),
            reason: excerpt(&reason.into(), MOST_REASON),
        }
    }
}

impl Parsed {
    pub(super) fn broken(line: usize, reason: impl Into<String>) -> Self {
        Self {
            documents: Vec::new(),
            faults: vec![Fault::new(line, reason)],
        }
    }
}

/// Whether the name is one of a file of definitions.
pub(super) fn is_candidate(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| reader(extension).is_some())
}

type Reader = fn(&str) -> Result<Vec<Piece>, Fault>;

fn reader(extension: &str) -> Option<Reader> {
    match extension.to_ascii_lowercase().as_str() {
        "yaml" | "yml" => Some(yaml::pieces),
        "json" => Some(json::pieces),
        "toml" => Some(toml::pieces),
        _ => None,
    }
}

/// `path` is relative to the folder.
pub(super) fn parse(path: &Path, content: &[u8]) -> Parsed {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let Some(reader) = extension.and_then(reader) else {
        return Parsed::default();
    };
    let text = match std::str::from_utf8(content) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let line = Lines::of(content).at(error.valid_up_to());
            return Parsed::broken(line, "not UTF-8; save the file in this encoding");
        }
    };
    if text.trim().is_empty() {
        // Often a save that is under way. Taking it at its word would delete what stood in it.
        return Parsed::broken(1, "the file is empty; write a definition, or delete the file");
    }
    let pieces = match reader(text) {
        Ok(pieces) => pieces,
        Err(fault) => {
            return Parsed {
                documents: Vec::new(),
                faults: vec![fault],
            };
        }
    };
    let folder = path.parent().and_then(kind_of_folder);
    let name = path.file_stem().and_then(|name| name.to_str());
    let name = name.filter(|_| pieces.len() == 1);
    let mut parsed = Parsed::default();
    for piece in pieces {
        match identify(piece, folder, name) {
            Ok(document) => parsed.documents.push(document),
            Err(fault) => parsed.faults.push(fault),
        }
    }
    parsed
}

/// The innermost folder decides, and only by its whole name.
fn kind_of_folder(folder: &Path) -> Option<Kind> {
    Kind::of_segment(folder.file_name()?.to_str()?)
}

/// The beginning of a text.
fn excerpt(text: &str, most: usize) -> String {
    let end = text.floor_char_boundary(most);
    let more = if end < text.len() { "…" } else { "" };
    format!("{}{more}", &text[..end])
}

#[cfg(test)]
mod tests;
