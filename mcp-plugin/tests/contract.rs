//! Every data source of this crate holds the contract.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

mod contract {
    mod memory;
    mod sqlite;
}
