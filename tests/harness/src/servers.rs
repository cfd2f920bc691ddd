//! The database servers that the data sources' own tests start: each in a directory of its own on a free port, gone
//! with the value.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests of `mcp-plugin`, each user needs another part"
)]

#[path = "../../../mcp-plugin/tests/servers/etcd.rs"]
pub(crate) mod etcd;
#[path = "../../../mcp-plugin/tests/servers/mariadb.rs"]
pub(crate) mod mariadb;
#[path = "../../../mcp-plugin/tests/servers/postgresql.rs"]
pub(crate) mod postgresql;
#[path = "../../../mcp-plugin/tests/servers/process.rs"]
pub(crate) mod process;
