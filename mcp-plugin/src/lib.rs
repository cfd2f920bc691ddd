//! The data sources and authenticators that come with DynMCP, each behind a Cargo feature of its plugin name.
//!
//! Linking this crate (`use mcp_plugin as _;`) registers them; `mcp_common::plugin::Registry` finds them by name.
//! Nothing here knows the MCP protocol.

pub mod authenticator;
pub mod datasource;
#[cfg_attr(
    not(all(feature = "memory", feature = "sqlite", feature = "api_key")),
    allow(
        dead_code,
        reason = "each plugin reads only the kinds of settings that it has"
    )
)]
mod setting;
