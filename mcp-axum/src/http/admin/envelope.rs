//! The envelope of a success. Clients of the first version depend on `code` and `data`.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use mcp_common::key::Revision;
use serde::Serialize;
use utoipa::ToSchema;

/// `{"code":200,"message":"success","data":…}` and what an answer may carry beside it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Success<T> {
    /// The HTTP status.
    #[schema(example = 200)]
    code: u16,
    /// Always the text `success`.
    #[schema(example = "success")]
    message: &'static str,
    /// What was asked for.
    data: T,
    /// The revision of the document, also in the header `ETag`; of the catalog for a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, value_type = u64)]
    revision: Option<Revision>,
    /// What is odd without being wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<String>,
    /// The cursor of a list that goes on: pass it as `cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    next_cursor: Option<String>,
}

impl<T> Success<T> {
    pub(super) fn new(data: T) -> Self {
        Self {
            code: 200,
            message: "success",
            data,
            revision: None,
            warnings: Vec::new(),
            next_cursor: None,
        }
    }

    pub(super) fn revision(mut self, revision: Option<Revision>) -> Self {
        self.revision = revision;
        self
    }

    pub(super) fn warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }

    pub(super) fn next_cursor(mut self, cursor: Option<String>) -> Self {
        self.next_cursor = cursor;
        self
    }
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        let etag = self
            .revision
            .and_then(|revision| HeaderValue::try_from(format!("\"{revision}\"")).ok());
        let mut response = Json(self).into_response();
        if let Some(etag) = etag {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}
