//! Secrets and tokens for upstreams.

mod apply;
mod spellings;
mod token;

pub(super) use apply::{Applied, apply};
pub(crate) use spellings::{spelled, spellings};
pub use token::Tokens;
