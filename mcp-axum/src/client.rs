//! A client of gateways: of the admin API and of MCP, for commands, the demo, and whatever else talks to a running gateway.

mod bridge;
mod documents;
mod error;
mod gateway;
mod happenings;
pub(crate) mod http;
mod mcp;

pub(crate) use bridge::Bridge;
pub(crate) use documents::Documents;
pub(crate) use error::ClientError;
pub(crate) use gateway::Gateway;
pub(crate) use happenings::{News, follow};
pub(crate) use mcp::{Mcp, Tool, ToolResult};
