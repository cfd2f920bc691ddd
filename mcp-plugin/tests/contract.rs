//! Every data source of this crate holds the contract.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

#[path = "servers"]
mod servers {
    #![allow(dead_code, reason = "each test binary uses another part of them")]
    #[cfg(feature = "mysql")]
    pub(crate) mod mariadb;
    #[cfg(feature = "postgres")]
    pub(crate) mod postgresql;
    pub(crate) mod process;
    pub(crate) mod proxy;
}

mod contract {
    #[cfg(feature = "file")]
    mod file;
    mod memory;
    #[cfg(feature = "mysql")]
    mod mysql;
    #[cfg(feature = "postgres")]
    mod postgres;
    mod sqlite;
}
