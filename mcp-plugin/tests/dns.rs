//! The discovery `dns`, against a name server of the tests.
#![cfg(feature = "dns")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use mcp_plugin as _;

mod dns {
    mod addresses;
    mod name_server;
    mod services;
    mod trouble;
    mod watched;
}
