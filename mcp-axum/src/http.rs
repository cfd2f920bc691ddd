//! What the gateway serves over HTTP.

pub mod admin;
pub(crate) mod body;
pub mod error;
pub mod health;
pub mod mcp;
