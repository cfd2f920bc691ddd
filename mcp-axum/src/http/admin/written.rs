//! What a writer did, as an answer; what it refused, as a refusal.

use super::envelope::Success;
use crate::http::error::Error;
use http::StatusCode;
use mcp_core::authoring::{
    change_plan::ApplyError,
    import::ImportError,
    writer::{WriteError, Written},
};

impl<T> From<Written<T>> for Success<T> {
    fn from(written: Written<T>) -> Self {
        Self::new(written.value)
            .revision(written.revision)
            .warnings(written.warnings)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        let text = error.to_string();
        match error {
            WriteError::Refused(refusal) => refusal.into(),
            WriteError::NotImported(refusal) => Self::from(refusal).prefixed("nothing was imported"),
            WriteError::Strict(_) => Self::bad_request(text),
            WriteError::Missing => Self::conflict(format!("{text}; send no `If-Match` to create it")),
            WriteError::DeletesNothing => {
                Self::bad_request("If-None-Match: means nothing for a delete; use If-Match")
            }
            WriteError::Source(error) => error.into(),
            WriteError::Import(error) => error.into(),
            WriteError::Apply(error) => error.into(),
            WriteError::Problems(problems) if problems.iter().all(|problem| problem.conflict) => {
                Self::conflict(text)
            }
            WriteError::Problems(_) => Self::bad_request(text),
            WriteError::OtherPlan | WriteError::LastAdmin(_) => Self::conflict(text),
            WriteError::NotArrived(_) => Self::unavailable(text),
            WriteError::Panicked(cause) => Self::internal(cause),
        }
    }
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            ImportError::NoMemory { needed, limit } if needed <= limit => {
                Self::unavailable(error.to_string())
            }
            ImportError::NoMemory { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            other => Self::bad_request(other.to_string()),
        }
    }
}

impl From<ApplyError> for Error {
    fn from(error: ApplyError) -> Self {
        let progress = format!("{} of {} changes were written", error.written, error.planned);
        let key = error.key.clone();
        let cause = Self::from(error.cause);
        let text = format!(
            "{progress}, then {key}: {}; doing it again continues from there",
            cause.message()
        );
        cause.with_message(text)
    }
}
