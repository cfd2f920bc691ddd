//! The gateway from outside: every test speaks HTTP to a [`TestApp`](test_app::TestApp).
#![expect(missing_docs, unreachable_pub, reason = "a test binary has no public surface")]

mod admin;
mod edge;
#[allow(dead_code, unused_imports, reason = "one set of tools for all tests, wherever they are")]
mod test_app;
mod event_stream;
mod listing;
mod sessions;
mod streams;
