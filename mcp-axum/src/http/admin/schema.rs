//! `GET /admin/schema/{kind}.json` and `file.json`: the schemas of the documents, for editors. Public: they are the same for every
//! gateway of a version, and editors cannot send a key.

use super::parameters::Parameters;
use crate::http::error::Error;
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use mcp_common::{
    definition::{self, UnknownMembers},
    key::Kind,
};
use serde::Deserialize;
use utoipa::IntoParams;

/// The query of it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SchemaQuery {
    /// Members that nobody knows are refused, as by a strict `PUT`; without it most of them are allowed, because they are
    /// kept.
    #[serde(default)]
    #[param(default = false)]
    strict: bool,
}

pub(super) async fn show(
    Path(file): Path<String>,
    Parameters(query): Parameters<SchemaQuery>,
) -> Result<Response, Error> {
    let unknown = match query.strict {
        true => UnknownMembers::Refused,
        false => UnknownMembers::Kept,
    };
    let name = file.strip_suffix(".json").unwrap_or_default();
    let schema = match Kind::of_segment(name) {
        Some(kind) => definition::schema(kind, unknown),
        None if name == "file" => definition::file_schema(unknown),
        None => return Err(Error::not_found(no_such())),
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/schema+json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, schema.to_string()).into_response())
}

fn no_such() -> String {
    let of_kind = |kind: Kind| {
        format!(
            "/admin/schema/{}.json for {}",
            kind.path_segment(),
            kind.row().plural
        )
    };
    format!(
        "there are {}, and /admin/schema/file.json for files of definitions",
        Kind::listed(of_kind, "and")
    )
}
