//! Secrets and tokens for upstreams.

mod apply;
mod secrets;
mod spellings;
mod token;

pub(super) use apply::{Applied, apply, sensitive};
pub use secrets::{SECRET_DIRECTORY, SECRET_VARIABLES, SecretSettings, Secrets, holds_identity};
pub(super) use spellings::spellings;
pub use token::Tokens;
