//! The path and the query of a request, with refusals in the envelope.

use crate::error::{Error, Result};
use axum::extract::{FromRequestParts, Path, Query};
use http::request::Parts;
use mcp_common::{
    definition::name::check_id,
    key::{Key, Kind},
};
use serde::de::DeserializeOwned;

/// The definition that the path names: its kind from the route, its id percent-decoded and checked.
pub(super) struct Target(pub(super) Key);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let kind = parts.extensions.get::<Kind>().copied();
        let kind = kind.ok_or_else(|| Error::internal("a route without its kind"))?;
        let Path(id) = Path::<String>::from_request_parts(parts, state).await?;
        check_id(&id)?;
        Ok(Self(Key { kind, id: id.into() }))
    }
}

/// The query string as `T`; unknown names are left alone.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Query(parameters) = Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(parameters))
    }
}
