//! Why something was not written.

use crate::authoring::{
    change_plan::{ApplyError, Finding},
    import::ImportError,
};
use mcp_common::{
    catalog::Refusal,
    datasource::SourceError,
    definition::UNUSED,
    key::{Key, Revision},
};

/// Why nothing was written, or not everything.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The definitions cannot be used, alone or together.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The definitions that an import makes cannot be used.
    #[error("nothing was imported: {0}")]
    NotImported(Refusal),
    /// There are warnings, and the writer wanted none.
    #[error("{}", refused(.0))]
    Strict(Vec<String>),
    /// Something had to be stored already, and nothing is.
    #[error("nothing is stored under this id")]
    Missing,
    /// The deletion expects that nothing is there, so that there is nothing to delete.
    #[error("what is not there cannot be deleted")]
    DeletesNothing,
    /// Nobody could come in any more who may write keys, as far as that is known.
    #[error(
        "{0} is the last key that may write keys, and no key of the configuration opens /admin: nothing was changed; `force` does it all the \
         same (`?force=true`, `--force`)"
    )]
    LastAdmin(Key),
    /// The data source did not take it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The document cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A plan was not written to its end.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A plan has problems; it is not written in parts.
    #[error("nothing was written: {}", described(.0))]
    Problems(Vec<Finding>),
    /// The changes are not those of the plan that was looked at.
    #[error(
        "nothing was written: the store or the definitions are not those that the plan was made of; plan again"
    )]
    OtherPlan,
    /// The catalog is behind the store.
    #[error(
        "revision {0} of the data source has not reached this replica yet; try again, and see /admin/status"
    )]
    NotArrived(Revision),
    /// An error of the program.
    #[error("an internal error: {0}")]
    Panicked(String),
}

/// Warnings, as the refusals that they are.
fn refused(warnings: &[String]) -> String {
    let refused: Vec<_> = warnings
        .iter()
        .map(|warning| warning.replacen(UNUSED, "unknown member, which `strict` refuses", 1))
        .collect();
    format!(
        "{} (`strict`: nothing is stored with warnings)",
        refused.join("; ")
    )
}

fn described(problems: &[Finding]) -> String {
    match problems {
        [] => "the plan has problems".to_owned(),
        [only] => only.to_string(),
        [first, more @ ..] => format!("{first} (and {} more; POST /admin/plan lists all)", more.len()),
    }
}
