//! The MCP protocol, compiled tools, instance views and the engine that turns calls into HTTP requests.

pub mod activity;
pub mod contract;
mod credential_name;
mod egress;
pub mod engine;
pub mod export;
#[cfg(test)]
mod growth;
pub mod import;
pub mod peer;
pub mod plan;
pub mod protocol;
pub mod sandbox;
mod stack;
pub mod telemetry;
pub mod tokens;
pub mod tool;
pub mod via;
pub mod view;
