//! What a failed request means: something that may pass (`Unavailable`), or something that somebody has to mend
//! (`Broken`). No message contains the token.

use super::endpoint::Endpoint;
use http::StatusCode;
use http_body_util::LengthLimitError;
use mcp_common::datasource::SourceError;
use std::error::Error;

/// An answer other than those that are expected.
pub(super) fn status(endpoint: &Endpoint, status: StatusCode) -> SourceError {
    let place = endpoint.shown();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => SourceError::Broken(format!(
            "{place} answered {status}: look at `data_source.http.token`"
        )),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            SourceError::Unavailable(format!("{place} answered {status}"))
        }
        _ if status.is_server_error() => SourceError::Unavailable(format!("{place} answered {status}")),
        _ if status.is_redirection() => SourceError::Broken(format!(
            "{place} answered {status}: redirects are not followed, since the token is for this address only; \
             set `data_source.http.url` to where the definitions are"
        )),
        _ => SourceError::Broken(format!(
            "{place} answered {status}: look at `data_source.http.url`"
        )),
    }
}

/// There was no answer.
pub(super) fn connection(endpoint: &Endpoint, error: &(dyn Error + 'static)) -> SourceError {
    endpoint.odd(&format!("cannot be reached: {}", innermost(error)))
}

/// The answer could not be read to its end.
pub(super) fn body(endpoint: &Endpoint, error: &(dyn Error + 'static)) -> SourceError {
    if error.is::<LengthLimitError>() {
        return SourceError::Broken(format!(
            "{} answers with more than {} bytes: raise `data_source.http.max_bytes`",
            endpoint.shown(),
            endpoint.max_bytes()
        ));
    }
    endpoint.odd(&format!("broke off its answer: {}", innermost(error)))
}

/// The outer ones only say that something went wrong.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
