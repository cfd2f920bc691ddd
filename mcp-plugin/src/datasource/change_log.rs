//! What the SQL sources have in common: a table of definitions, and a log of its changes that triggers write.

#[cfg(any(feature = "mysql", feature = "postgres"))]
mod dialect;
mod existing;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod fault;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) mod follow;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod lease;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub(crate) mod leases;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod patience;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod place;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod prepare;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod read;
pub(crate) mod row;
mod schema;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod settings;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod source;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) mod tls;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) mod url;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod write;

#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub(crate) use existing::FIRST_STATUS;
#[cfg(feature = "mysql")]
pub(crate) use place::said;
pub use schema::Migrations;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use settings::Server;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) use {
    dialect::{ConnectionOf, Dialect, OptionsOf},
    fault::{Fault, Meaning},
    lease::{Lease, pool_options},
    patience::Patience,
    place::Place,
    prepare::pending,
    settings::read as read_settings,
    source::ChangeLogSource,
    write::{Refused, Write},
};
pub(crate) use {
    existing::{Existing, SERVED},
    schema::{Migrated, outdated},
};
