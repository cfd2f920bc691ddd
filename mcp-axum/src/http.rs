//! What the gateway serves over HTTP.

pub mod admin;
pub(crate) mod body;
pub mod console;
pub mod error;
pub mod front;
pub mod health;
pub mod mcp;
mod pages;
pub(crate) mod resource;
