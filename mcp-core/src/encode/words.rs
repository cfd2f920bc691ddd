//! Words of one value and what stands between them.

use super::{component, reserved};
use std::borrow::Cow;

/// Several where a style puts a list or an object into one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    pub(crate) list: &'a [Cow<'a, str>],
    delimiter: Option<u8>,
    allow_reserved: bool,
}

impl<'a> Words<'a> {
    /// What the delimiter separates.
    pub(super) fn joined(list: &'a [Cow<'a, str>], delimiter: u8, allow_reserved: bool) -> Self {
        Self {
            list,
            delimiter: Some(delimiter),
            allow_reserved,
        }
    }

    /// One, with nothing to be separated from.
    pub(super) fn one(word: &'a Cow<'a, str>, allow_reserved: bool) -> Self {
        Self {
            list: std::slice::from_ref(word),
            delimiter: None,
            allow_reserved,
        }
    }

    /// Percent-encoded. The comma between words stays bare, as the specification prints it.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for (index, word) in self.list.iter().enumerate() {
            match self.delimiter {
                Some(delimiter) if index > 0 => out.extend_from_slice(match delimiter {
                    b' ' => b"%20",
                    b'|' => b"%7C",
                    b'\t' => b"%09",
                    _ => b",",
                }),
                _ => {}
            }
            if self.allow_reserved {
                // A bare comma inside of a word would end it.
                reserved(out, word, self.delimiter == Some(b','));
            } else {
                component(out, word);
            }
        }
    }

    /// The words for places where nothing is encoded.
    pub(crate) fn plain(&self) -> String {
        let delimiter = char::from(self.delimiter.unwrap_or(b','));
        self.list.join(delimiter.encode_utf8(&mut [0; 4]))
    }
}
