//! The example, built and run: its plugins are found by their names and decide what is served to whom.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

#[path = "service/definition_service.rs"]
mod definition_service;

mod run {
    mod gateway;
    mod greeter;
    mod http_source;
}
