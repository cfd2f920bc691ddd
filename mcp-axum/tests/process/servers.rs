//! Servers of others, as the tests of `mcp-plugin` start them.
#![allow(dead_code, reason = "shared with the tests of `mcp-plugin`")]

#[cfg(feature = "etcd")]
#[path = "../../../mcp-plugin/tests/servers/etcd.rs"]
pub(crate) mod etcd;
#[path = "../../../mcp-plugin/tests/servers/process.rs"]
pub(crate) mod process;
#[path = "../../../mcp-plugin/tests/servers/redis.rs"]
pub(crate) mod redis;
