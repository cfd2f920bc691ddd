//! `GET /admin/{kind}/{id}`: one definition.

use super::{entry::shown, envelope::Success, parameters::Target};
use crate::{
    app::App,
    http::error::{Error, Result},
};
use axum::extract::State;
use mcp_common::{document::Document, key::Key};
use std::sync::Arc;

/// Answers with the document as this replica serves it.
pub(super) async fn show(State(app): State<Arc<App>>, Target(key): Target) -> Result<Success<Document>> {
    let snapshot = app.catalog.snapshot();
    let entry = snapshot.find(&key).ok_or_else(|| {
        let unreadable = snapshot.quarantined(&key).is_some();
        missing(&key, unreadable)
    })?;
    Ok(Success::new(shown(key.kind, &entry))
        .revision(Some(entry.revision))
        .warnings(entry.warnings))
}

fn missing(key: &Key, unreadable: bool) -> Error {
    if unreadable {
        return Error::not_found(format!(
            "{key}: what is stored is not a JSON object; see /admin/quarantine"
        ));
    }
    Error::not_found(format!("there is no {key}"))
}
