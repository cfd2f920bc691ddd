//! A value as it stands in its place, by the encoders that calls use.

use crate::{
    authoring::explain::Placement,
    encode::{self, Spelling, Words, path_word},
    tool::bounded,
};

/// How much of a value a placement repeats.
const MOST: usize = 200;

/// What became of a value.
pub(super) enum Written {
    Text(String),
    /// Nothing is written, and why.
    Nothing(String),
}

impl Written {
    /// Writes it down.
    pub(super) fn note(self, placement: &mut Placement) {
        match self {
            Self::Text(text) => placement.written = Some(bounded(&text, MOST)),
            Self::Nothing(reason) => placement.left_out = Some(reason),
        }
    }

    fn of(encoded: Result<Option<String>, String>) -> Self {
        match encoded {
            Ok(Some(text)) => Self::Text(text),
            Ok(None) => Self::Nothing("null, or nothing in it".to_owned()),
            Err(reason) => Self::Nothing(reason),
        }
    }
}

pub(super) fn path(name: &str, json: &str, spelling: Spelling) -> Written {
    let mut out = Vec::new();
    let done = encode::path(&mut out, name, json, spelling, path_word);
    Written::of(done.map(|()| Some(String::from_utf8_lossy(&out).into_owned())))
}

/// What is written in queries, cookies and forms.
pub(super) fn pairs(name: &str, json: &str, spelling: Spelling, between: &str) -> Written {
    let mut out = Vec::new();
    let mut emit = |name: &str, words: Words<'_>| {
        if out.len() > MOST {
            return Ok(());
        }
        if !out.is_empty() {
            out.extend_from_slice(between.as_bytes());
        }
        encode::component(&mut out, name);
        out.push(b'=');
        words.encode(&mut out);
        Ok(())
    };
    let done = encode::pairs(name, json, spelling, &mut emit);
    let text = (!out.is_empty()).then(|| String::from_utf8_lossy(&out).into_owned());
    Written::of(done.map(|()| text))
}

pub(super) fn header(json: &str, spelling: Spelling) -> Written {
    Written::of(encode::header_text(json, spelling))
}

/// The style in words: `form, exploded`.
pub(super) fn style(spelling: Spelling) -> String {
    let mut words = spelling.style.as_str().to_owned();
    if spelling.explode {
        words.push_str(", exploded");
    }
    if spelling.allow_reserved {
        words.push_str(", reserved characters bare");
    }
    words
}
