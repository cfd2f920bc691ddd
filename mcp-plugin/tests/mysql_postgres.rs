//! What holds for the data sources `mysql` and `postgres` beyond the contract, each against a real server.

#![cfg(all(feature = "mysql", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

#[path = "servers"]
mod servers {
    #![allow(dead_code, reason = "each test binary uses another part of them")]
    pub(crate) mod certificates;
    pub(crate) mod mariadb;
    pub(crate) mod postgresql;
    pub(crate) mod process;
    pub(crate) mod proxy;
}

mod mysql_postgres {
    mod bounds;
    mod circles;
    mod command;
    mod faults;
    mod first_version;
    mod full;
    mod mariadb;
    mod migration;
    mod network;
    mod order;
    mod outages;
    mod postgresql;
    mod raw_writes;
    mod size;
    mod store;
    mod tls;
}
