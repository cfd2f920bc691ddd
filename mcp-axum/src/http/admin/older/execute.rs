//! `POST /api/v1/mcp/servers/{id}/tools/{tool}/execute`: a call of a server's tool by the names of the server, outside of any instance. Whoever may write
//! upstreams may make it: rules of roles about tools are about instances.

use super::missing;
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
};
use axum::{
    Extension,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use mcp_common::authenticator::Principal;
use mcp_core::{
    authoring::direct_call::{DirectCalls, NoResult},
    upstream::UpstreamError,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// What clients of these doors send: the arguments, in a member or as they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(alias = "parameters", alias = "params")]
    arguments: Box<RawValue>,
}

pub(super) async fn run(
    State(app): State<Arc<App>>,
    Path((id, tool)): Path<(String, String)>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let most = app.settings.app.max_body_bytes.as_usize();
    let body = body::read(body, &parts.extensions, most, body::PATIENCE).await?;
    let arguments = arguments(&body)?;
    let offer = app.hub.offer(&id).ok_or_else(|| missing(&id))?;
    // By its own name, or the one that it is shown by.
    let shown = || offer.tools().find(|offered| *offered.name == *tool);
    let offered = offer.tool(&tool).or_else(shown);
    let offered = offered.ok_or_else(|| {
        Error::not_found(format!(
            "the server `{id}` has no tool `{tool}`, or does not show it"
        ))
    })?;
    let calls = DirectCalls {
        engine: &app.admin.engine,
        compiler: app.catalog.compiler(),
        hub: &app.hub,
        principal: &principal,
    };
    let result = calls.result(&offered, &arguments).await.map_err(refused)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], result).into_response())
}

fn arguments(body: &[u8]) -> Result<Box<RawValue>> {
    let wrong = |reason: String| Error::bad_request(format!("the body has no arguments: {reason}"));
    let text: &[u8] = match body.trim_ascii() {
        [] => b"{}",
        text => text,
    };
    let arguments = match serde_json::from_slice::<Said>(text) {
        Ok(said) if said.arguments.get().starts_with('{') => said.arguments,
        _ => serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?,
    };
    match arguments.get().starts_with('{') {
        true => Ok(arguments),
        false => Err(wrong("expected a JSON object".to_owned())),
    }
}

/// What the server says itself is a result; without one this gateway stands between.
fn refused(why: NoResult) -> Error {
    let status = match &why {
        NoResult::Upstream(UpstreamError::Timeout { .. } | UpstreamError::Slow { .. }) => {
            StatusCode::GATEWAY_TIMEOUT
        }
        NoResult::Upstream(
            UpstreamError::Overloaded { .. } | UpstreamError::NoTurn { .. } | UpstreamError::Busy(_),
        ) => StatusCode::SERVICE_UNAVAILABLE,
        NoResult::Unfinished => StatusCode::CONFLICT,
        NoResult::Upstream(_) | NoResult::NoAnswer(_) | NoResult::Shape(_) => StatusCode::BAD_GATEWAY,
    };
    Error::new(status, why.to_string())
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn arguments_are_a_member_or_the_whole_body() {
        for (body, expected) in [
            ("", "{}"),
            ("{}", "{}"),
            (r#"{"arguments": {"id": 1.50}}"#, r#"{"id": 1.50}"#),
            (r#"{"parameters": {"id": 1}}"#, r#"{"id": 1}"#),
            (r#"{"id": 1}"#, r#"{"id": 1}"#),
            (r#"{"arguments": "word"}"#, r#"{"arguments": "word"}"#),
            (
                r#"{"arguments": {"id": 1}, "other": 2}"#,
                r#"{"arguments": {"id": 1}, "other": 2}"#,
            ),
        ] {
            assert_eq!(arguments(body.as_bytes()).unwrap().get(), expected, "{body}");
        }
        for body in ["[1]", "{", "7"] {
            assert!(arguments(body.as_bytes()).is_err(), "{body}");
        }
    }
}
