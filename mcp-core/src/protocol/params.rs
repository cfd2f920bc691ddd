//! The parts of `params` that the gateway looks at, still as raw text where a wrong type has an error of its own.

use super::{envelope::present, fault::Fault};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The union of what all served methods take.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Params<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    pub(super) meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) cursor: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) notifications: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "protocolVersion", deserialize_with = "present")]
    pub(super) protocol_version: Option<&'a RawValue>,
}

impl<'a> Params<'a> {
    /// Absent `params` are empty ones.
    pub(super) fn read(raw: Option<&'a RawValue>) -> Result<Self, Fault> {
        let Some(raw) = raw else {
            return Ok(Self::default());
        };
        // Without this, serde would also take an array for the struct.
        if !is_object(raw) {
            return Err(Fault::invalid_params("`params` must be an object"));
        }
        serde_json::from_str(raw.get()).map_err(|error| Fault::invalid_params(format!("params: {error}")))
    }
}

/// The modern envelope, `params._meta` (2026-07-28, "Request metadata").
#[derive(Debug, Default, Deserialize)]
pub(super) struct Meta<'a> {
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/protocolVersion",
        deserialize_with = "present"
    )]
    pub(super) protocol_version: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/clientCapabilities",
        deserialize_with = "present"
    )]
    pub(super) client_capabilities: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/logLevel",
        deserialize_with = "present"
    )]
    pub(super) log_level: Option<&'a RawValue>,
}

impl<'a> Meta<'a> {
    /// `None` for anything but an object without repeated members.
    pub(super) fn read(raw: Option<&'a RawValue>) -> Option<Self> {
        raw.filter(|raw| is_object(raw))
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
    }
}

/// The streams of list changes a client asks for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WantedNotifications {
    #[serde(default, rename = "toolsListChanged")]
    pub(super) tools_list_changed: bool,
}

/// Whether the JSON text is an object.
pub(super) fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

/// The JSON string's value, or `None` for any other type.
pub(super) fn as_string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(text).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}
