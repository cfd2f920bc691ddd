//! Which part of a list was asked for.

use crate::http::error::{Error, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_common::key::Kind;
use serde::Deserialize;
use utoipa::IntoParams;

const MAX_LIMIT: usize = 1000;
/// Of a list. Programs of the first version, which had no pages, take the first one for all that there is.
const DEFAULT_LIMIT: usize = MAX_LIMIT;
/// Of a history, whose entries are whole documents of the past.
const DEFAULT_STATES: usize = 100;

/// The query of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Entries on one page.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// A text: only entries with it in id, name or description, in any letter case.
    #[param(example = "order")]
    q: Option<String>,
    /// Only entries with this tag.
    #[param(example = "shop")]
    tag: Option<String>,
}

/// The query of a history.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LimitQuery {
    /// Entries at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// A part of a collection, in the order of ids.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: usize,
    /// The last id of the page before.
    pub(super) after: Option<String>,
    /// Lower case.
    pub(super) search: Option<String>,
    pub(super) tag: Option<String>,
}

impl ListQuery {
    pub(super) fn page(self, kind: Kind) -> Result<Page> {
        let after = self.cursor.map(|cursor| decode(kind, &cursor)).transpose()?;
        let search = self
            .q
            .map(|text| text.to_lowercase())
            .filter(|text| !text.is_empty());
        Ok(Page {
            limit: check(self.limit, DEFAULT_LIMIT)?,
            after,
            search,
            tag: self.tag.filter(|tag| !tag.is_empty()),
        })
    }
}

impl LimitQuery {
    pub(super) fn of(limit: Option<usize>) -> Self {
        Self { limit }
    }

    pub(super) fn limit(&self) -> Result<usize> {
        check(self.limit, DEFAULT_STATES)
    }
}

fn check(limit: Option<usize>, otherwise: usize) -> Result<usize> {
    match limit {
        None => Ok(otherwise),
        Some(limit @ 1..=MAX_LIMIT) => Ok(limit),
        Some(limit) => Err(Error::bad_request(format!(
            "limit: {limit} is not between 1 and {MAX_LIMIT}"
        ))),
    }
}

/// Names the last entry seen, not a position: what is written or deleted before it moves nothing.
pub(super) fn encode(kind: Kind, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}\n{last}", kind.path_segment()))
}

fn decode(kind: Kind, cursor: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let last = text
        .as_deref()
        .and_then(|text| text.strip_prefix(kind.path_segment())?.strip_prefix('\n'));
    last.map(str::to_owned).ok_or_else(|| {
        Error::bad_request(
            "cursor: not one of this list; pass `next_cursor` as it came, or none to start over",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(limit: Option<usize>, cursor: Option<String>) -> ListQuery {
        ListQuery {
            limit,
            cursor,
            q: None,
            tag: None,
        }
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let cursor = encode(Kind::TOOL, "größe\n1");
        let page = query(None, Some(cursor.clone())).page(Kind::TOOL).unwrap();
        assert_eq!(
            page,
            Page {
                limit: 1000,
                after: Some("größe\n1".into()),
                search: None,
                tag: None
            }
        );
        assert!(query(None, Some(cursor)).page(Kind::INSTANCE).is_err());
        for wrong in ["", "x", "!!!!", "dGRz"] {
            assert!(
                query(None, Some(wrong.into())).page(Kind::TOOL).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn limits_have_bounds() {
        for limit in [0, 1001, usize::MAX] {
            assert!(query(Some(limit), None).page(Kind::TOOL).is_err(), "{limit}");
        }
        assert_eq!(query(Some(1000), None).page(Kind::TOOL).unwrap().limit, 1000);
    }
}
