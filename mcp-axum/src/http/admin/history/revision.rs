//! `GET /admin/{tds,ids}/{id}/history/{revision}`: one past state.

use super::{PastState, past};
use crate::{
    app::App,
    http::{
        admin::{envelope::Success, parameters::PastTarget},
        error::Result,
    },
};
use axum::extract::State;
use std::sync::Arc;

/// Answers from the data source.
pub(in crate::http::admin) async fn show(
    State(app): State<Arc<App>>,
    PastTarget { key, revision }: PastTarget,
) -> Result<Success<PastState>> {
    let states = past::states(&app, &key).await?;
    let state = past::at(&states, &key, revision)?;
    Ok(Success::new(PastState::of(key.kind, state)).revision(Some(revision)))
}
