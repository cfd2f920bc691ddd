//! What is told about a gateway while it runs.

pub(crate) mod logging;
pub mod metrics;
pub(crate) mod otlp;
