//! How much of an answer reaches the model, and what becomes of the rest.

use super::Defaults;
use crate::{
    engine::{failure::Failure, result::Outcome},
    json::shortened,
    tool::{Member, ResponseShape},
};
use mcp_common::definition::tool::Overflow;
use std::borrow::Cow;

/// The bound of text and JSON: the tool's own, or the one for all tools.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    most: usize,
    overflow: Overflow,
    /// Where it is set.
    setting: &'static str,
}

impl Bound {
    pub(super) fn of(response: Option<&ResponseShape>, defaults: &Defaults) -> Self {
        let overflow = response.map(|response| response.overflow).unwrap_or_default();
        match response.and_then(|response| response.max_bytes) {
            Some(most) => Self {
                most,
                overflow,
                setting: match response.map(|response| response.member) {
                    Some(Member::Output) => "output.max_bytes",
                    Some(Member::Response) | None => "response.max_bytes",
                },
            },
            None => Self {
                most: defaults.max_result_bytes,
                overflow,
                setting: match response.map(|response| response.member) {
                    Some(Member::Output) => {
                        "upstream.max_result_bytes, limits.max_result_bytes of the upstream, or output.max_bytes of the tool"
                    }
                    Some(Member::Response) | None => {
                        "upstream.max_result_bytes, or response.max_bytes of the tool"
                    }
                },
            },
        }
    }

    /// JSON within the bound, and what was left out of it; or how large it is where nothing can be.
    pub(super) fn json<'t>(&self, data: Cow<'t, str>) -> Result<(Cow<'t, str>, Option<String>), TooLarge> {
        if data.len() <= self.most {
            return Ok((data, None));
        }
        let cut = match self.overflow {
            Overflow::TruncateItems => shortened::items(&data, self.most),
            Overflow::Error => None,
        };
        let cut = cut.ok_or_else(|| self.too_large(data.len()))?;
        Ok((Cow::Owned(cut.json), cut.note))
    }

    /// Text within the bound, and how much was left out of it.
    pub(super) fn text<'t>(&self, text: Cow<'t, str>) -> Result<(Cow<'t, str>, Option<String>), TooLarge> {
        if text.len() <= self.most {
            return Ok((text, None));
        }
        if self.overflow == Overflow::Error {
            return Err(self.too_large(text.len()));
        }
        if let Some(cut) = shortened::document(&text, self.most) {
            return Ok((Cow::Owned(cut.json), cut.note));
        }
        let (kept, note) = shortened::text(&text, self.most);
        Ok((Cow::Owned(kept.to_owned()), Some(note)))
    }

    pub(super) fn too_large(self, size: usize) -> TooLarge {
        TooLarge { size, bound: self }
    }
}

/// A shaped answer beyond its bound.
#[derive(Debug)]
pub(super) struct TooLarge {
    size: usize,
    bound: Bound,
}

impl From<TooLarge> for Failure {
    fn from(TooLarge { size, bound }: TooLarge) -> Self {
        let Bound { most, setting, .. } = bound;
        let text = format!(
            "The shaped answer has {size} bytes, at most {most} are allowed ({setting}). Ask for less."
        );
        Self::new(Outcome::TooLarge, text)
    }
}
