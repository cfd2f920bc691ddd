//! `POST /admin/access/explain`: what the holder of a key, or of a role, may do, and which rule says so. Nothing is called.

use super::envelope::Success;
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
};
use axum::extract::{Request, State};
use mcp_core::authoring::access::{AccessAnswer, AccessError, AccessQuestion, explain};
use std::sync::Arc;

pub(super) async fn run(State(app): State<Arc<App>>, request: Request) -> Result<Success<AccessAnswer>> {
    let limit = app.settings.app.max_body_bytes.as_usize();
    let (parts, body) = request.into_parts();
    let body = body::read(body, &parts.extensions, limit, body::PATIENCE).await?;
    let question: AccessQuestion = body::object(&body).map_err(|error| {
        let reason = format!(
            "the body must be {{\"key\" or \"role\": …, \"instance\": …, \"tool\": …, \"arguments\": {{…}}}}: {error}"
        );
        Error::bad_request(reason)
    })?;
    let gateway = app.limits.of_gateway();
    let circumstances = (app.external(), gateway.as_ref());
    let explained = explain(&question, &app.catalog, &app.gateway.views, circumstances).await?;
    Ok(Success::new(explained))
}

impl From<AccessError> for Error {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NoKey(_) | AccessError::NoRole(_) => Self::not_found(error.to_string()),
            AccessError::SeveralKeys(_) => Self::conflict(error.to_string()),
            AccessError::NoInstance | AccessError::Nobody => Self::bad_request(error.to_string()),
        }
    }
}
