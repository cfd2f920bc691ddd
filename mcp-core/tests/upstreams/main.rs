//! Other MCP servers as upstreams: servers on the loopback interface and programs, honest ones and others.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod behaviour;
mod connections;
mod ending;
#[path = "../engine/forward_proxy.rs"]
mod forward_proxy;
mod http;
mod oauth;
#[cfg(unix)]
mod programs;
mod server;
mod setup;
mod sse;
#[allow(dead_code, reason = "shared with the tests of the engine")]
#[path = "../engine/tls_server.rs"]
mod tls_server;
#[allow(dead_code, reason = "shared with the tests of the engine")]
#[path = "../engine/upstream.rs"]
mod upstream;
mod websocket;
mod workers;
