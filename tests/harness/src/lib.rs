//! What tests that drive the `dynmcp` binary share.

mod admin;
mod binary;
mod browser;
mod fill;
mod gateway;
mod look;
mod mcp;
mod provider;
mod replicas;
mod servers;
mod store;
mod toolbox;
mod upstream;

pub use admin::Admin;
pub use binary::dynmcp;
pub use browser::Browser;
pub use fill::Row;
pub use gateway::{Gateway, Setup};
pub use mcp::{Listener, Mcp};
pub use provider::Provider;
pub use replicas::{Directory, Replicas};
pub use store::Store;
pub use toolbox::Toolbox;
pub use upstream::Upstream;
