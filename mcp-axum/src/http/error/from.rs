//! Which status each error of the inner crates has, and what of it the caller may read.

use super::Error;
use axum::extract::rejection::PathRejection;
use http::{HeaderValue, StatusCode, header};
use mcp_common::{
    catalog::Refusal,
    datasource::SourceError,
    problem::{Problem, Problems},
};

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::bad_request(problem.to_string())
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::bad_request(problems.to_string())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(problems) => problems.into(),
            clash @ Refusal::Clash { .. } => Self::conflict(clash.to_string()),
        }
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Conflict { current: None } => {
                Self::conflict("nothing is stored under this id (any more); send no `If-Match` to create it")
            }
            SourceError::Conflict {
                current: Some(current),
            } => Self::conflict(format!(
                "the stored revision is {current}, not the one that this write expects; read it again, then write"
            )),
            SourceError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            SourceError::ReadOnly(_) => Self::new(StatusCode::METHOD_NOT_ALLOWED, error.to_string())
                .with_header(header::ALLOW, HeaderValue::from_static("GET, HEAD")),
            // Not worth a retry before somebody has done something.
            SourceError::Full(cause) => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "the data source has no space left and did not store it; free some (the gateway's log says where), \
                 then write again",
            )
            .with_cause(cause),
            // What a driver says may hold hosts, users or statements: only the log gets it.
            SourceError::Unavailable(cause) => {
                Self::unavailable("the data source cannot be reached now; try again").with_cause(cause)
            }
            SourceError::InDoubt(cause) => Self::unavailable(
                "the data source did not say whether this was stored; read it again, and write again if it is not there \
                 (with the `If-Match` of before, nothing is stored twice)",
            )
            .with_cause(cause),
            SourceError::Broken(_) | SourceError::HistoryLost { .. } => Self::internal(error.to_string()),
        }
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}
