//! Secrets and tokens for upstreams.

mod apply;
mod secrets;
mod token;

pub(super) use apply::{Applied, apply};
pub use secrets::{SecretSettings, Secrets};
pub use token::Tokens;
