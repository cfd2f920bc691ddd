//! Where definitions are stored: one module per data source, named like `app.data_source` selects it.

mod absent;
#[cfg(any(feature = "sqlite", feature = "mysql", feature = "postgres"))]
mod change_log;
#[cfg(feature = "etcd")]
pub mod etcd;
#[cfg(feature = "file")]
pub mod file;
#[cfg(any(feature = "memory", feature = "file"))]
mod ledger;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;
