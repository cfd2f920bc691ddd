//! Probes of endpoints: one module per probe, named like `health.probe` of an upstream selects it.

#[cfg(feature = "exec")]
pub mod exec;
