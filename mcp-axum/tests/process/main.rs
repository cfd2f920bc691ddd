//! The `dynmcp` binary as a process: what it prints, what it writes, how it ends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod demo;
mod drain;
mod egress;
mod gateway;
mod import;
mod start;

use gateway::{Gateway, Sandbox};
