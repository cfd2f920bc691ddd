//! A list of one instance, rendered for one era. The first page, which is nearly always the only one, is a
//! finished answer; further pages are cut out of the same bytes.

use super::Cursor;
use bytes::Bytes;
use std::ops::Range;

/// Entries in listing order, as one text.
pub(crate) struct PreparedList {
    entries: Bytes,
    items: Vec<Item>,
    page_size: usize,
    /// The result up to the first entry.
    head: String,
    /// The result after what says whether there is another page.
    tail: String,
    first_page: Bytes,
}

struct Item {
    key: Cursor,
    text: Range<usize>,
}

/// What stands around the entries.
pub(super) struct Frame<'a> {
    pub(super) member: &'a str,
    /// Members before the list, each with a comma after it.
    pub(super) before: &'a str,
    /// Members after the list, each with a comma before it.
    pub(super) after: &'a str,
}

impl PreparedList {
    /// The keys of the entries ascend.
    pub(super) fn build(
        frame: &Frame<'_>,
        page_size: usize,
        entries: impl Iterator<Item = (Cursor, String)>,
    ) -> Self {
        let mut text = String::new();
        let mut items = Vec::new();
        for (key, entry) in entries {
            if !text.is_empty() {
                text.push(',');
            }
            let start = text.len();
            text += &entry;
            items.push(Item {
                key,
                text: start..text.len(),
            });
        }
        let mut list = Self {
            entries: text.into(),
            items,
            page_size: page_size.max(1),
            head: format!("{{{}\"{}\":[", frame.before, frame.member),
            tail: format!("{}}}", frame.after),
            first_page: Bytes::new(),
        };
        list.first_page = list.render(0).into();
        list
    }

    /// All entries of all pages.
    pub(crate) fn entries(&self) -> &Bytes {
        &self.entries
    }

    /// The result object of the page after the cursor.
    pub(crate) fn page(&self, after: Option<&Cursor>) -> Bytes {
        match after.map(|cursor| self.items.partition_point(|item| item.key <= *cursor)) {
            None | Some(0) => self.first_page.clone(),
            Some(start) => self.render(start).into(),
        }
    }

    fn render(&self, start: usize) -> Vec<u8> {
        let page = self.items.get(start..).unwrap_or_default();
        let page = &page[..page.len().min(self.page_size)];
        let text = match (page.first(), page.last()) {
            (Some(first), Some(last)) => &self.entries[first.text.start..last.text.end],
            _ => &[],
        };
        let mut out = Vec::with_capacity(text.len() + self.head.len() + self.tail.len() + 64);
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"]");
        if start + page.len() < self.items.len()
            && let Some(last) = page.last()
        {
            out.extend_from_slice(b",\"nextCursor\":\"");
            out.extend_from_slice(last.key.encode().as_bytes());
            out.extend_from_slice(b"\"");
        }
        out.extend_from_slice(self.tail.as_bytes());
        out
    }
}
