//! Who counts for several replicas.

#[cfg(feature = "redis")]
pub mod redis;
