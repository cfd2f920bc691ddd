//! What an instance says that it can do; the same words in both eras.

use serde::Serialize;

/// The `capabilities` of `initialize` and `server/discover`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Capabilities {
    tools: Lists,
}

/// What is offered in a list.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Lists {
    /// Changes are announced.
    list_changed: bool,
}

impl Capabilities {
    pub(super) fn new() -> Self {
        Self {
            tools: Lists { list_changed: true },
        }
    }
}
