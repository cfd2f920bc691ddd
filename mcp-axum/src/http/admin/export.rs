//! `GET /admin/export`: what is stored, to be kept in files. Unlike the lists it has every definition as it is stored,
//! also those that cannot be served.

use super::{envelope::Success, parameters::Parameters};
use crate::{
    app::App,
    http::error::{Error, Result},
};
use axum::{Extension, extract::State};
use indexmap::IndexMap;
use mcp_common::{
    authenticator::Principal,
    datasource::Load,
    document::Document,
    key::{Key, Kind},
};
use mcp_core::{
    authoring::{
        change_plan::{Skipped, Stored},
        export::{ExportError, Wanted, export},
    },
    policy::Verb,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::IntoParams;

/// The query of an export.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// The only instance to export, with the tools that it names or includes.
    instance: Option<String>,
    /// The only owner whose definitions are exported, without their member `managed_by`.
    owner: Option<String>,
}

/// Can be read as a file of definitions, but for `skipped`.
#[derive(Debug, Serialize)]
pub(super) struct Bundle {
    /// The definitions of each kind under its path segment.
    #[serde(flatten)]
    definitions: IndexMap<&'static str, Vec<Document>>,
    skipped: Vec<Skipped>,
    #[serde(skip)]
    without_values: Option<usize>,
}

/// Whoever applies it elsewhere has to write them there.
const WITHOUT_VALUES: &str = "the values of COUNT secrets are not in it: applying it keeps those that are stored, and where there are none they have to be \
                              written (`dynmcp secrets put`)";

/// Answers from the data source, not from what this replica serves.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<ExportQuery>,
    Extension(principal): Extension<Principal>,
) -> Result<Success<Bundle>> {
    // All definitions are in memory meanwhile, so that one such request waits for the other.
    let _turn = app.admin.imports.lock().await;
    let load = app.source.load().await?;
    let revision = load.revision;
    let bundled = tokio::task::spawn_blocking(move || bundle(load, &query, &principal)).await;
    let bundle = bundled.map_err(|error| Error::internal(error.to_string()))??;
    let told = bundle
        .without_values
        .map(|count| WITHOUT_VALUES.replace("COUNT", &count.to_string()));
    Ok(Success::new(bundle)
        .revision(Some(revision))
        .warnings(told.into_iter().collect()))
}

/// What the caller may read of it.
fn bundle(mut load: Load, query: &ExportQuery, principal: &Principal) -> Result<Bundle, ExportError> {
    let is_readable = |key: &Key| principal.may(&Verb::Read.of_admin(key.kind.path_segment()));
    load.records.retain(|record| is_readable(&record.key));
    let wanted = Wanted {
        instance: query.instance.as_deref(),
        owner: query.owner.as_deref(),
    };
    let exported = export(&Stored::from(load), wanted)?;
    let mut bundle = Bundle {
        definitions: Kind::all()
            .into_iter()
            .map(|kind| (kind.path_segment(), Vec::new()))
            .collect(),
        skipped: exported.skipped,
        without_values: (exported.without_values > 0).then_some(exported.without_values),
    };
    for (key, mut document) in exported.definitions {
        document.set_first("id", &key.id);
        let of_kind = bundle.definitions.entry(key.kind.path_segment());
        of_kind.or_default().push(document);
    }
    Ok(bundle)
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NoSuchInstance(_) => Self::not_found(error.to_string()),
            ExportError::Unreadable(..) => Self::conflict(error.to_string()),
        }
    }
}
