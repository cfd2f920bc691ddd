//! What a client calls itself, for the log.

use super::params::{Asked, Meta};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, sync::Arc};

/// Of a name with its version, in characters.
const MOST: usize = 80;

#[derive(Deserialize)]
struct Implementation<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Cow<'a, str>,
}

/// `name/version`, where the message says it.
pub(super) fn of(asked: &Asked<'_>, meta: Option<&Meta<'_>>) -> Option<Arc<str>> {
    let raw = match asked {
        Asked::Initialize(params) => params.client_info,
        _ => meta.and_then(|meta| meta.client_info),
    };
    read(raw?)
}

/// The same of `clientInfo`.
pub(super) fn read(raw: &RawValue) -> Option<Arc<str>> {
    let Implementation { name, version } = serde_json::from_str(raw.get()).ok()?;
    let text = format!("{name}/{version}");
    let end = text.char_indices().nth(MOST).map_or(text.len(), |(at, _)| at);
    Some(text[..end].into())
}
