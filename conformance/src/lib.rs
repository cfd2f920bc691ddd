//! The official MCP conformance suites, run against a gateway whose tools are defined as data.
//!
//! `definitions/` holds what is stored in the gateway, `expected-failures/` what a gateway without upstream MCP
//! servers cannot pass, each with its reason. [`matrix`] runs the suites through a gateway to servers that have everything. A
//! [`ClientSuite`] turns it round: the harness is the server, and the gateway its client.

mod client;
mod driver;
mod everything;
mod expected_failures;
mod login;
pub mod matrix;
mod run;
mod sample_api;
mod subject;
mod suite;

pub use client::ClientSuite;
pub use driver::drive;
pub use expected_failures::ExpectedFailures;
pub use run::{Report, measure, run};
pub use subject::Subject;
pub use suite::{Flavour, Suite};
