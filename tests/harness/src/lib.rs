//! What tests that drive the `dynmcp` binary share.

mod admin;
mod binary;
mod gateway;
mod toolbox;
mod upstream;

pub use admin::Admin;
pub use binary::dynmcp;
pub use gateway::Gateway;
pub use toolbox::Toolbox;
pub use upstream::Upstream;
