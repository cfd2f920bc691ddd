//! The store's own server, as the data sources' tests start it.
#![allow(dead_code, reason = "shared with the tests of `mcp-plugin`")]

#[path = "../../../mcp-plugin/tests/servers/etcd.rs"]
pub(crate) mod etcd;
#[path = "../../../mcp-plugin/tests/servers/process.rs"]
pub(crate) mod process;
