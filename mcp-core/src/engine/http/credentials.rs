//! Secrets and tokens for upstreams.

mod apply;
mod sign;
mod spellings;
mod token;

pub(super) use apply::{Applied, apply};
pub(super) use sign::{Hashed, sign};
pub(crate) use spellings::{spelled, spellings};
pub use token::Tokens;
