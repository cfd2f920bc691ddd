//! The `dynmcp` binary as a process: what it prints, what it writes, how it ends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(target_os = "linux")]
mod audit;
mod bad_upstreams;
mod call;
mod chart;
mod commands;
#[cfg(target_os = "linux")]
mod connect;
mod contract;
mod convert;
mod damaged;
#[cfg(target_os = "linux")]
mod debian_package;
mod definitions;
mod demo;
#[cfg(target_os = "linux")]
mod disk;
mod drain;
mod egress;
mod env_file;
#[cfg(unix)]
mod examples;
mod explain;
#[cfg(target_os = "linux")]
mod few_files;
#[cfg(feature = "etcd")]
mod first_version;
mod gateway;
mod heavy_calls;
mod import;
mod keys;
mod local_store;
mod log_lines;
mod lookup;
#[cfg(target_os = "linux")]
mod openapi;
#[cfg(unix)]
mod operate;
#[cfg(target_os = "linux")]
mod packages;
#[cfg(target_os = "linux")]
mod pin;
#[cfg(target_os = "linux")]
mod programs;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(target_os = "linux")]
mod prometheus;
mod repl;
mod revocation_lists;
#[cfg(target_os = "linux")]
mod roles;
mod safe_mode;
mod secrets;
mod servers;
mod shared_limits;
#[cfg(target_os = "linux")]
mod small_disk;
mod start;
mod stdio;
#[cfg(target_os = "linux")]
mod top;
mod upstream_login;
mod verify;

use gateway::{Gateway, KEY, Sandbox};
