//! The gateway from outside: every test speaks HTTP to a [`TestApp`](test_app::TestApp).
#![expect(unreachable_pub, reason = "a test binary has no public surface")]
#![expect(clippy::unwrap_used, reason = "a failed test should say where")]

mod access;
mod admin;
mod aggregated;
mod audit;
mod battery;
mod bounds;
mod caller;
mod compiled;
mod connections;
mod console;
mod cors;
mod default_instance;
mod disconnect;
mod discovery;
mod edge;
mod egress;
mod event_stream;
mod events;
mod explain;
mod external;
mod files;
mod fleet;
mod hostile_clients;
mod import;
mod injection;
mod instances;
mod keys;
mod limits;
mod listing;
mod long_answers;
mod loops;
mod manners;
mod mismatch;
mod old_transport;
mod older_doors;
mod operating;
mod otlp;
mod own_egress;
mod plan;
mod progress;
mod readme;
mod recipes;
mod reload;
mod rest;
mod result_size;
mod roles;
mod round_trip;
mod secrets;
#[path = "../../../mcp-plugin/tests/servers"]
mod servers {
    #![allow(dead_code, reason = "shared with the tests of `mcp-plugin`")]
    pub(crate) mod process;
    pub(crate) mod redis;
}
mod sessions;
mod shared_limits;
mod short_tokens;
mod static_answers;
mod store_away;
mod streams;
mod tasks;
#[allow(
    dead_code,
    unused_imports,
    reason = "one set of tools for all tests, wherever they are"
)]
mod test_app;
mod tls;
mod tokens;
mod tool_state;
mod upstreams;
mod values;
mod verify;
mod websocket;
