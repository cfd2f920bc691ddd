//! Where a page of a list ends: a key in the listing order, so that entries may come and go between two pages
//! without a gap or an error.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The order of a listing: the place, then the id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    pub(crate) place: u32,
    pub(crate) id: String,
}

impl Cursor {
    /// The place of tools that are included by tag: after all that `tool_ids` names.
    pub(super) const TAGGED: u32 = u32::MAX - 1;
    /// The place of what other servers offer.
    pub(super) const OFFERED: u32 = u32::MAX;

    /// Opaque to clients.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.place, self.id))
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (place, id) = text.split_once(':')?;
        Some(Self {
            place: place.parse().ok()?,
            id: id.to_owned(),
        })
    }
}
