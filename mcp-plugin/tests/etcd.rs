//! What holds for the data source `etcd`, against a real server: the contract, and what is etcd's own.
#![cfg(feature = "etcd")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

#[path = "servers"]
mod servers {
    #![allow(dead_code, reason = "each test binary uses another part of them")]
    pub(crate) mod certificates;
    pub(crate) mod etcd;
    pub(crate) mod process;
    pub(crate) mod proxy;
}

mod etcd {
    mod announcement;
    mod authentication;
    mod cluster;
    mod contract;
    mod discovery;
    mod faults;
    mod foreign;
    mod full;
    mod history;
    mod lineage;
    mod members;
    mod network;
    mod progress;
    mod settings;
    mod store;
    mod tls;
    mod transactions;
    mod unanswered;
}
