//! The refusals, for the document.
#![expect(
    dead_code,
    reason = "described, never built: `crate::error::Error` is what answers"
)]

use utoipa::{IntoResponses, ToSchema};

/// The envelope of a failure.
#[derive(ToSchema)]
pub(super) struct Failure {
    /// The HTTP status.
    #[schema(example = 400)]
    code: u16,
    /// What was wrong, where, and what to do.
    #[schema(example = "description: must say what the tool does; models choose by it")]
    error: String,
}

/// What every path may answer.
#[derive(IntoResponses)]
pub(super) enum Always {
    /// A parameter is wrong; the text names it.
    #[response(status = 400)]
    BadRequest(Failure),
    /// There is no key, or a wrong one.
    #[response(status = 401, headers(("WWW-Authenticate" = String)))]
    Unauthorized(Failure),
    /// The key is not an administrator's.
    #[response(status = 403)]
    Forbidden(Failure),
    /// The definitions are still being loaded, or the data source is away; try again.
    #[response(status = 503, headers(("Retry-After" = u32)))]
    Unavailable(Failure),
}

/// What reading one definition may answer.
#[derive(IntoResponses)]
pub(super) enum Reading {
    /// Nothing is stored under this id.
    #[response(status = 404)]
    NotFound(Failure),
}

/// What writing may answer.
#[derive(IntoResponses)]
pub(super) enum Writing {
    /// This data source is not written through the gateway.
    #[response(status = 405)]
    ReadOnly(Failure),
    /// The stored revision is not the expected one, or a name would stand twice in an instance.
    #[response(status = 409)]
    Conflict(Failure),
    /// The document is too large.
    #[response(status = 413)]
    TooLarge(Failure),
    /// The data source has no space left; nothing was stored.
    #[response(status = 507)]
    Full(Failure),
}

/// What writing with `verify` may answer.
#[derive(IntoResponses)]
pub(super) enum Verifying {
    /// The definition does not do what its examples say; the text has the example and the difference.
    #[response(status = 422)]
    Unverified(Failure),
}
