//! `POST /admin/import/{openapi,curl,postman,har}`: a description comes in, its operations become the tools of an
//! instance. Nothing is fetched: the document is the body.

mod request;

use super::{PATIENCE, access, envelope::Success};
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
};
use axum::{
    Extension,
    extract::{Path, RawQuery, Request, State},
};
use http::StatusCode;
use mcp_common::{authenticator::Principal, key::Kind};
use mcp_core::{
    authoring::import::{Format, ImportError, Progress, Report, Room},
    policy::Verb,
};
use request::ImportRequest;
use std::sync::Arc;

/// Plans, writes unless it is a dry run, and waits until this replica serves it.
pub(super) async fn run(
    State(app): State<Arc<App>>,
    Path(format): Path<String>,
    RawQuery(query): RawQuery,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<Report>> {
    let format: Format = format
        .parse()
        .map_err(|error: ImportError| Error::not_found(error.to_string()))?;
    // What an import does in other places.
    let places = [Kind::TOOL, Kind::INSTANCE].map(Kind::path_segment);
    access::check(&principal, places.map(|place| Verb::Write.of_admin(place)))?;
    let parameters = ImportRequest::of_query(query.as_deref().unwrap_or_default(), app.catalog.compiler())?;
    // One at a time: a document in memory is a large one.
    let _turn = app.admin.imports.lock().await;
    let limit = parameters.options.limits.max_bytes;
    let (parts, body) = request.into_parts();
    let bytes = body::read(body, &parts.extensions, limit, PATIENCE)
        .await
        .map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Error::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the document has more than {limit} bytes, which is the most that is imported at once"
                ),
            ),
            _ => error,
        })?;
    // There is one import at a time, so that it may have all that is left.
    let all = body::peer(&parts.extensions).without_part();
    let held = all
        .hold(0)
        .map_err(|reason| Error::no_memory(reason, all.limit()))?;
    let text =
        String::from_utf8(bytes.into()).map_err(|_| Error::bad_request("the document is not UTF-8"))?;
    let (mut request, text) = parameters.with_body(text)?;
    if request.options.prune {
        access::check(&principal, [Verb::Delete.of_admin(Kind::TOOL.path_segment())])?;
    }
    request.options.room = Room::of(held);
    let instance = request.options.instance.clone();
    request.options.progress = Progress::new(move |text| tracing::info!(instance, "import: {text}"));
    let writer = &app.admin.writer;
    let written = writer
        .import(format, text, request.options, request.dry_run, &principal.subject)
        .await?;
    Ok(written.into())
}
