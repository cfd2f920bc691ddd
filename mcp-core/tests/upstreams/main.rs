//! Other MCP servers as upstreams: servers on the loopback interface and programs, honest ones and others.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod behaviour;
mod http;
#[cfg(unix)]
mod programs;
mod server;
mod setup;
mod sse;
mod websocket;
