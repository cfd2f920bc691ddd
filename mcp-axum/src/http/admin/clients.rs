//! `GET /admin/ids/{id}/clients`: what each MCP client wants to be told of an instance.

use super::{
    envelope::Success,
    parameters::{Parameters, Target},
};
use crate::{
    app::App,
    clients::ServerEntry,
    http::error::{Error, Result},
};
use axum::extract::State;
use http::Uri;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Stands where the client's key belongs.
const PLACEHOLDER: &str = "KEY";

/// The query of it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ClientsQuery {
    /// The gateway's URL as clients see it.
    #[param(example = "https://gateway.example.com")]
    url: String,
}

/// One client.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientEntry {
    /// Its name.
    #[schema(example = "Claude Code")]
    client: &'static str,
    /// Where the text belongs.
    #[schema(example = ".vscode/mcp.json")]
    place: &'static str,
    /// The text, with `KEY` where the client's key belongs.
    text: String,
}

/// Answers for an instance that is there.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Parameters(query): Parameters<ClientsQuery>,
) -> Result<Success<Vec<ClientEntry>>> {
    if app.catalog.snapshot().find(&key).is_none() {
        return Err(Error::not_found(format!("there is no {key}")));
    }
    let is_url = query.url.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if !is_url {
        let url = query.url;
        return Err(Error::bad_request(format!(
            "url: `{url}` is no URL of a gateway; write http://HOST:PORT"
        )));
    }
    let server = ServerEntry::of(&query.url, &key.id, PLACEHOLDER);
    let entries = server
        .by_client()
        .map(|(client, place, text)| ClientEntry { client, place, text });
    Ok(Success::new(entries.collect()))
}
