//! What runs: the threads and tasks of a gateway, from its start to its end.

pub mod control_plane;
pub mod data_plane;
mod listener;
pub(crate) mod memory;
pub mod server;
pub(crate) mod shutdown;
pub(crate) mod tasks;
pub(crate) mod tls;
pub mod watchdog;
