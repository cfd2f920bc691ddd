//! What holds for the data source `http`, against a real server: the contract, and what is its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

#[path = "service/definition_service.rs"]
mod definition_service;

mod http_source {
    mod client;
    mod contract;
    mod economy;
    mod faults;
}
