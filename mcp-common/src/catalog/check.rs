//! A dry run of an administrator's write.

use super::{
    Compile,
    preview::{Drafts, Preview, Proposed, preview},
    snapshot::Snapshot,
};
use crate::{
    document::Document,
    key::Key,
    problem::{Problem, Problems},
};
use std::sync::Arc;

/// Why a write is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The document cannot be used. Becomes HTTP 400.
    #[error("{0}")]
    Invalid(Problems),
    /// It would give two tools of an instance one name. Becomes HTTP 409.
    #[error("{text}")]
    Clash {
        /// Where the names would clash.
        instances: Vec<Arc<str>>,
        /// Names instances and tools, and what to do.
        text: String,
    },
}

pub(super) fn check<C: Compile>(
    compiler: &C,
    now: &Arc<Snapshot<C::Tool>>,
    key: &Key,
    document: &Document,
) -> Result<Vec<String>, Refusal> {
    let proposed = Proposed {
        key: key.clone(),
        document: Some(document.clone()),
    };
    let mut preview = preview(compiler, now.clone(), &[proposed], Drafts::default());
    if let Some(problems) = preview.invalid.remove(key) {
        return Err(Refusal::Invalid(problems));
    }
    preview.refusal().map_or(Ok(()), Err)?;
    Ok(preview.warnings.remove(key).unwrap_or_default())
}

impl<T> Preview<T> {
    /// Why the changes are refused as a whole; names the definitions.
    pub fn refusal(&self) -> Option<Refusal> {
        let named = self.invalid.iter().flat_map(|(key, problems)| {
            let named = move |problem: &Problem| match problem.field.as_str() {
                "" => Problem::whole(format!("{key}: {}", problem.reason)),
                field => Problem::at(format!("{key}: {field}"), problem.reason.clone()),
            };
            problems.0.iter().map(named)
        });
        let problems: Vec<_> = named.collect();
        if !problems.is_empty() {
            return Some(Refusal::Invalid(Problems(problems)));
        }
        let texts: Vec<_> = self.clashes.iter().map(|clash| clash.text.as_str()).collect();
        (!texts.is_empty()).then(|| Refusal::Clash {
            instances: self.clashes.iter().map(|clash| clash.instance.clone()).collect(),
            text: texts.join("; "),
        })
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem.into())
    }
}
