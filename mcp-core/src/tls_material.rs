//! Certificates, keys and the authorities that are trusted.

pub(crate) mod pem;
mod trust;

pub use pem::{UnfitIdentity, authorities, identity};
pub use trust::TrustRoots;
