//! The discovery `multicast`, on the loopback interface.
#![cfg(feature = "multicast")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use mcp_plugin as _;

mod multicast {
    mod group;
    mod mdns;
    mod watched;
}
