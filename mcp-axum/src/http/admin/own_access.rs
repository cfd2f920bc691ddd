//! `GET /admin/access`: what whoever asks may do themselves. A page asks so that it offers nothing that would be refused; each request is decided anew all the same.

use super::{envelope::Success, parameters::Parameters};
use crate::http::error::{Error, Result};
use axum::Extension;
use indexmap::IndexMap;
use mcp_common::authenticator::Principal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// More than all that there is in `/admin`.
const MOST: usize = 100;

/// The query of a question about one's own rights.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OwnAccessQuery {
    /// Actions as rules name them, separated by commas; at most 100.
    #[param(example = "admin/tds/write,admin/secrets/delete")]
    actions: String,
}

/// What whoever asks may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnAccess {
    /// Who that is, by the name that logs have.
    #[schema(value_type = String, example = "acme:anna")]
    principal: Arc<str>,
    /// Whether the gateway's own rules allow each action. A policy service is not asked.
    #[schema(value_type = HashMap<String, bool>, example = json!({"admin/tds/write": true, "admin/secrets/delete": false}))]
    actions: IndexMap<String, bool>,
}

/// Says it for the actions that are named.
pub(super) async fn show(
    Extension(principal): Extension<Principal>,
    Parameters(query): Parameters<OwnAccessQuery>,
) -> Result<Success<OwnAccess>> {
    let named = query.actions.split(',').map(str::trim);
    let named: Vec<_> = named.filter(|action| !action.is_empty()).collect();
    if named.len() > MOST {
        let reason = format!(
            "actions: {} are named, at most {MOST} are answered at once",
            named.len()
        );
        return Err(Error::bad_request(reason));
    }
    let allowed = named
        .into_iter()
        .map(|action| (action.to_owned(), principal.may(action)));
    Ok(Success::new(OwnAccess {
        actions: allowed.collect(),
        principal: principal.subject.clone(),
    }))
}
