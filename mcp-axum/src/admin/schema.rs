//! `GET /admin/schema/{tds,ids}.json`: the schemas of the documents, for editors. Public: they are the same for every
//! gateway of a version, and editors cannot send a key.

use crate::error::Error;
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use mcp_common::{definition, key::Kind};

pub(super) async fn show(Path(file): Path<String>) -> Result<Response, Error> {
    let kind = match file.as_str() {
        "tds.json" => Kind::Tool,
        "ids.json" => Kind::Instance,
        _ => {
            let message =
                "there are /admin/schema/tds.json for tools and /admin/schema/ids.json for instances";
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
    Ok((headers, definition::schema(kind).to_string()).into_response())
}
