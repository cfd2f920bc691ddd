//! The gateway that runs with the same configuration, if there is one: after a command has written, the next call through it
//! should see what was written.

use crate::{cli::gateway::origin, client::Gateway, settings::Settings};
use mcp_common::{key::Revision, secret::ExposeSecret};
use serde::Deserialize;
use std::time::Duration;

/// How long it is waited for; the gateway itself waits for less.
const PATIENCE: Duration = Duration::from_secs(8);

/// As in `dynmcp --help`.
const KEY: &str = "DYNMCP_KEY";

#[derive(Deserialize)]
struct Status {
    revision: Revision,
}

/// Waits until it serves the revision. A text where it runs and that is not known.
pub(super) async fn has(settings: &Settings, revision: Revision) -> Option<String> {
    let origin = origin(settings, settings.app.admin_listen.as_deref())?;
    let asked = tokio::time::timeout(PATIENCE, ask(settings, &origin, revision)).await;
    asked.unwrap_or_else(|_| {
        Some(format!(
            "the gateway at {origin} did not say within {} s whether it serves revision {revision}",
            PATIENCE.as_secs()
        ))
    })
}

async fn ask(settings: &Settings, origin: &str, revision: Revision) -> Option<String> {
    let nobody_listens = Gateway::anonymous(origin).ok()?.get("/healthz").await.is_err();
    if nobody_listens {
        return None;
    }
    let own = settings.app.api_key.as_ref();
    let key = std::env::var(KEY)
        .ok()
        .or_else(|| own.map(|key| key.expose_secret().to_owned()));
    let Some(key) = key else {
        return Some(format!(
            "a gateway runs at {origin}; with an admin's key in {KEY} this command would wait until it serves revision {revision}"
        ));
    };
    let gateway = Gateway::new(origin, &key).ok()?;
    let path = format!("/admin/status?wait_revision={revision}");
    let answer = gateway.get(&path).await;
    match answer.and_then(|answer| gateway.data::<Status>(&answer)) {
        Ok(status) if status.revision >= revision => None,
        Ok(status) => Some(format!(
            "the gateway at {origin} serves revision {}, not {revision}; does it run on the same store?",
            status.revision
        )),
        Err(error) => Some(format!(
            "whether the gateway at {origin} serves revision {revision} is not known: {error}"
        )),
    }
}
