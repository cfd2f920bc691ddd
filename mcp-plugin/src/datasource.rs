//! Where definitions are stored: one module per data source, named like `app.data_source` selects it.

#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
