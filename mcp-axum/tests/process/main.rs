//! The `dynmcp` binary as a process: what it prints, what it writes, how it ends.

mod commands;
mod drain;
mod gateway;
mod start;

use gateway::{Gateway, Sandbox};
