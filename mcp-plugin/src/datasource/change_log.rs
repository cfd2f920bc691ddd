//! What the SQL sources have in common: a table of definitions, and a log of its changes that triggers write.

#[cfg(any(feature = "mysql", feature = "postgres"))]
mod fault;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) mod follow;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod lease;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod patience;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod place;
pub(crate) mod row;
mod schema;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod settings;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) mod tls;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) mod url;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod write;

pub use schema::Migrations;
pub(crate) use schema::{Migrated, outdated, takes_over};
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use settings::Server;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) use {
    fault::{Fault, Meaning},
    lease::{Lease, pool_options},
    patience::Patience,
    place::Place,
    settings::read as read_settings,
    write::{Refused, Write, text, transact},
};
