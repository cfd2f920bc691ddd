//! How far a request is, from its server to its client.

use crate::relay::{Line, Progress};
use serde::Deserialize;
use serde_json::{Number, value::RawValue};

/// The notification.
pub(super) const METHOD: &str = "notifications/progress";

#[derive(Deserialize)]
struct Told {
    /// The id of the request, which is the token that the gateway gives.
    #[serde(rename = "progressToken")]
    token: u64,
    progress: Number,
    total: Option<Number>,
    message: Option<String>,
}

/// Passes it on over the line of the request that it is about; `false` where there is none.
pub(super) fn pass_on(params: Option<&RawValue>, line_of: impl FnOnce(u64) -> Option<Line>) -> bool {
    let told: Option<Told> = params.and_then(|params| serde_json::from_str(params.get()).ok());
    let Some((told, line)) = told.and_then(|told| line_of(told.token).map(|line| (told, line))) else {
        return false;
    };
    line.progress(&Progress {
        progress: told.progress,
        total: told.total,
        message: told.message.as_deref(),
    });
    true
}
