//! `GET /admin/quarantine`: definitions that are stored but cannot be used, and roles that inherit each other in a circle: each is fine alone.

use super::envelope::Success;
use crate::{app::App, timestamp::rfc3339};
use axum::{Extension, extract::State};
use mcp_common::{
    authenticator::Principal,
    catalog::{Circle, Place, Quarantined},
    key::{Kind, Revision},
};
use mcp_core::policy::Verb;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::SystemTime};
use utoipa::ToSchema;

/// One quarantined definition.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Finding {
    /// `TDS` or `IDS`; `null` for what cannot be a definition, then `id` is its place in the store.
    #[schema(example = "TDS")]
    kind: Option<&'static str>,
    /// The id under which it is stored.
    #[schema(example = "tool123")]
    id: String,
    /// The revision that cannot be used.
    #[schema(value_type = u64)]
    revision: Revision,
    /// What is wrong with it, and where.
    reason: String,
    /// When it was found, RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// The last good revision, which stays live; `null` where there is none.
    #[schema(value_type = Option<u64>)]
    serving_revision: Option<Revision>,
}

impl From<&Quarantined> for Finding {
    fn from(bad: &Quarantined) -> Self {
        Self {
            kind: bad.kind().map(Kind::as_str),
            id: bad.id().to_string(),
            revision: bad.revision,
            reason: bad.reason.clone(),
            at: rfc3339(bad.at),
            serving_revision: bad.serving_revision,
        }
    }
}

impl Finding {
    /// Nothing is put aside for it: it is so as long as it is stored like that.
    fn of_circle(circle: &Circle, written: Option<SystemTime>) -> Self {
        Self {
            kind: Some(circle.role.kind.as_str()),
            id: circle.role.id.to_string(),
            revision: circle.revision,
            reason: circle.reason.clone(),
            at: rfc3339(written.unwrap_or_else(SystemTime::now)),
            serving_revision: None,
        }
    }
}

/// Answers with all findings about what the caller may read, by kind and id.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Success<Vec<Finding>> {
    let snapshot = app.catalog.snapshot();
    let may_read = |kind: Kind| principal.may(&Verb::Read.of_admin(kind.path_segment()));
    let bad = snapshot
        .quarantine
        .iter()
        .filter(|(_, bad)| bad.kind().is_none_or(may_read));
    let mut findings: BTreeMap<Place, Finding> = bad
        .map(|(place, bad)| (place.clone(), Finding::from(&**bad)))
        .collect();
    if may_read(Kind::ROLE) {
        findings.extend(snapshot.usable_circles().map(|circle| {
            let stored = snapshot.find(&circle.role);
            let written = stored.and_then(|stored| stored.updated_at);
            let place = Place::Definition(circle.role.clone());
            (place, Finding::of_circle(circle, written))
        }));
    }
    let findings = findings.into_values().collect();
    Success::new(findings).revision(Some(snapshot.revision))
}
