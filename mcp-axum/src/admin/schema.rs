//! `GET /admin/schema/{tds,ids,file}.json`: the schemas of the documents, for editors. Public: they are the same for every
//! gateway of a version, and editors cannot send a key.

use super::parameters::Parameters;
use crate::error::Error;
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
    let schema = match file.as_str() {
        "tds.json" => definition::schema(Kind::Tool, unknown),
        "ids.json" => definition::schema(Kind::Instance, unknown),
        "file.json" => definition::file_schema(unknown),
        _ => {
            let message = "there are /admin/schema/tds.json for tools, /admin/schema/ids.json for instances and \
                           /admin/schema/file.json for files that have both";
            return Err(Error::not_found(message));
        }
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
