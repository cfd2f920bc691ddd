//! What the gateway serves over HTTP.

mod accept;
pub mod admin;
pub(crate) mod body;
pub(crate) mod browser;
pub(crate) mod conditional;
pub(crate) mod connect;
pub mod console;
pub mod error;
pub mod front;
pub mod health;
pub(crate) mod login;
pub(crate) mod manners;
pub mod mcp;
pub(crate) mod no_oauth;
mod pages;
pub(crate) mod resource;
pub(crate) mod sign_in;
pub(crate) mod token;
