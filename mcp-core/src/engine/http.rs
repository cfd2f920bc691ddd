//! HTTP calls: requests built, sent over pooled connections, and their answers shaped.

pub(crate) mod build;
pub(crate) mod client;
pub(crate) mod connections;
pub(crate) mod credentials;
pub(crate) mod deliver;
mod shape;

pub use credentials::Tokens;
pub(crate) use shape::{packed, shape};
