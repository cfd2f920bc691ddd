//! Secrets and tokens for upstreams.

mod apply;
mod secrets;
mod spellings;
mod token;

pub(super) use apply::{Applied, apply, sensitive};
pub use secrets::{SecretSettings, Secrets};
pub(super) use spellings::spellings;
pub use token::Tokens;
