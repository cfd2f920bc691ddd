//! The rendered `tools/list` of one instance for one era. The first page, which is nearly always the only one, is a
//! finished answer; further pages are cut out of the same bytes.

use super::{Cursor, Shown};
use crate::spec::Era;
use bytes::Bytes;
use std::ops::Range;

/// Entries in listing order, as one text.
pub struct ToolList {
    entries: Bytes,
    items: Vec<Item>,
    page_size: usize,
    head: String,
    tail: String,
    first_page: Bytes,
}

struct Item {
    key: Cursor,
    text: Range<usize>,
}

impl ToolList {
    pub(super) fn build(shown: &Shown, page_size: usize, head: &str, tail: &str, era: Era) -> Self {
        // The selection keeps the order of `tool_ids`, so one walk finds every place, also of a tool listed twice.
        let mut explicit = shown.entry.definition.tool_ids.iter().zip(0_u32..);
        let mut place_of = |id: &str| {
            explicit
                .find(|(reference, _)| *reference.id == *id)
                .map_or(u32::MAX, |(_, place)| place)
        };
        let mut text = String::new();
        let mut items = Vec::with_capacity(shown.tools.len());
        for (selected, compiled) in &shown.tools {
            if !text.is_empty() {
                text.push(',');
            }
            let start = text.len();
            text += &compiled.listing(&selected.name, selected.description.as_deref(), era);
            let key = Cursor {
                place: place_of(&selected.tool.id),
                id: selected.tool.id.to_string(),
            };
            items.push(Item {
                key,
                text: start..text.len(),
            });
        }
        let mut list = Self {
            entries: text.into(),
            items,
            page_size: page_size.max(1),
            head: head.to_owned(),
            tail: tail.to_owned(),
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
        out.extend_from_slice(b"{");
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(b"\"tools\":[");
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
        out.extend_from_slice(b"}");
        out
    }
}
