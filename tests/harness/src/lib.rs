//! What tests that drive the `dynmcp` binary share.

mod admin;
mod binary;
mod fill;
mod gateway;
mod look;
mod mcp;
mod replicas;
mod servers;
mod store;
mod toolbox;
mod upstream;

pub use admin::Admin;
pub use binary::dynmcp;
pub use fill::Row;
pub use gateway::{Gateway, Setup};
pub use mcp::{Listener, Mcp};
pub use replicas::{Directory, Replicas};
pub use store::Store;
pub use toolbox::Toolbox;
pub use upstream::Upstream;
