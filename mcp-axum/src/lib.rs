//! The DynMCP gateway: command line, configuration, HTTP surface and wiring. Business rules live below, in `mcp-core`
//! and `mcp-common`.
//!
//! A gateway with plugins of its own is a crate that depends on this one, links its plugins and calls [`main`]:
//!
//! ```no_run
//! # mod my_plugins {}
//! use my_plugins as _;
//! fn main() -> std::process::ExitCode {
//!     mcp_axum::main()
//! }
//! ```

mod aggregated;
pub mod app;
mod audit;
mod cli;
mod client;
mod clients;
pub mod demo;
mod discovery;
mod events;
mod exposition;
pub mod http;
mod open_requests;
mod register;
pub mod reload;
pub mod runtime;
pub mod settings;
pub mod telemetry;
mod timestamp;

// The built-in plugins register themselves when they are linked.
use mcp_plugin as _;

pub use cli::{main, serve_by_default};
