//! The MCP protocol, compiled tools, instance views and the engine that turns calls into requests.
//!
//! A module imports only what stands below it, which `tests/layers.rs` holds:
//! `protocol` → `policy` → `view` → `engine`, `upstream` → `tool` → the ground (`json`, `encode`, `egress`, `connect`, `secrets`, `spec`, …).
//! `authoring` stands beside: nothing on the way of a call needs it.

pub mod activity;
pub mod authoring;
mod connect;
pub mod egress;
mod encode;
pub mod engine;
pub mod fleet;
pub mod framing;
#[cfg(test)]
mod growth;
mod json;
mod live;
pub mod oauth;
pub mod peer;
pub mod policy;
pub mod protocol;
pub mod relay;
pub mod secrets;
pub mod spans;
pub mod spec;
mod stack;
pub mod telemetry;
pub mod tls_material;
pub mod tool;
pub mod upstream;
pub mod via;
pub mod view;
