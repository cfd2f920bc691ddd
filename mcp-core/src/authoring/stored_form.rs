//! A document as it is stored.

use super::change_plan::SERVER_MAINTAINED;
use mcp_common::{document::Document, key::Key, problem::Problem};

/// Reads a document and brings it into the form in which it is stored: under its key's id, without what the server maintains.
pub fn stored_form(key: &Key, body: &[u8]) -> Result<Document, Problem> {
    let mut document = Document::parse(body)?;
    document.set_first("id", &key.id);
    for member in SERVER_MAINTAINED {
        document.remove(member);
    }
    Ok(document)
}
