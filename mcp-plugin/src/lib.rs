//! The data sources, authenticators, authorizers, discoveries and health probes that come with DynMCP, and who counts for several replicas, each behind a Cargo feature of its
//! plugin name.
//!
//! Linking this crate (`use mcp_plugin as _;`) registers them; `mcp_common::plugin::Registry` finds them by name.
//! Nothing here knows the MCP protocol.

pub mod authenticator;
pub mod authorizer;
pub mod datasource;
pub mod discovery;
pub mod health_probe;
#[cfg(feature = "exec")]
mod program;
pub mod tally;
#[cfg(any(feature = "http", feature = "jwt"))]
mod trustworthy;
