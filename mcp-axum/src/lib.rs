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

pub mod admin;
pub mod app;
mod body;
mod cli;
pub mod control_plane;
pub mod data_plane;
mod demo;
pub mod error;
pub mod health;
mod logging;
pub mod mcp_route;
mod memory;
pub mod metrics;
pub mod sample_api;
pub mod server;
pub mod settings;
mod shutdown;
pub mod watchdog;

// The built-in plugins register themselves when they are linked.
use mcp_plugin as _;

pub use cli::main;
