//! Tells when the gateway becomes unhealthy, and when it is well again.

use crate::{
    app::{App, Phase},
    http::health,
};
use serde_json::json;
use std::{sync::Weak, time::Duration};

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Looks until the gateway ends.
pub(crate) async fn watch(app: Weak<App>) {
    let mut was = None;
    loop {
        let Some(app) = app.upgrade() else { return };
        // Start and end are told as such.
        if app.phase() == Phase::Ready {
            let trouble = health::trouble(&app);
            if was.as_ref().is_some_and(|was| *was != trouble) {
                let members = json!({"healthy": trouble.is_none(), "reason": trouble});
                app.events.tell("health", members);
            }
            was = Some(trouble);
        }
        drop(app);
        tokio::time::sleep(LOOK).await;
    }
}
