//! The path and the query of a request, with refusals in the envelope.

mod refusal;

use crate::http::error::{Error, Result};
use axum::{
    extract::{FromRequestParts, Path, Query, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, request::Parts};
use mcp_common::{
    definition::name::check_id,
    key::{Key, Kind, Revision},
};
use serde::de::DeserializeOwned;

/// The definition that the path names: its kind from the route, its id percent-decoded and checked.
pub(super) struct Target(pub(super) Key);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await?;
        key(parts, id).map(Self)
    }
}

/// A definition and one of its past states.
pub(super) struct PastTarget {
    pub(super) key: Key,
    pub(super) revision: Revision,
}

impl<S: Send + Sync> FromRequestParts<S> for PastTarget {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Path((id, revision)) = Path::<(String, String)>::from_request_parts(parts, state).await?;
        let key = key(parts, id)?;
        let number = revision.parse();
        let revision = number.map_err(|_| {
            Error::bad_request(format!(
                "`{revision}` is not a revision; `history` lists those there are"
            ))
        })?;
        Ok(Self { key, revision })
    }
}

fn key(parts: &Parts, id: String) -> Result<Key> {
    let kind = parts.extensions.get::<Kind>().copied();
    let kind = kind.ok_or_else(|| Error::internal("a route without its kind"))?;
    check_id(&id)?;
    Ok(Key { kind, id: id.into() })
}

/// The query string as `T`. Whether unknown names are left alone is its matter: what writes refuses them, so that no misspelt `dry_run` does.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Error::bad_request(refusal::reason(&parts.uri, &rejection))),
        }
    }
}

/// Refuses what a request says that does something and takes no parameters: it would be done, and what was said of it ignored.
pub(super) async fn none(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    // What is between two `&`, or before the first, may be nothing.
    match query.split('&').find(|parameter| !parameter.is_empty()) {
        Some(parameter) if !is_reading => {
            let name = parameter.split('=').next().unwrap_or_default();
            let method = request.method();
            Error::bad_request(format!(
                "there is no parameter `{name}`: {method} of this path takes none; nothing was done"
            ))
            .into_response()
        }
        _ => next.run(request).await,
    }
}
