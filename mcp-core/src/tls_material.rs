//! Certificates, keys and the authorities that are trusted.

pub(crate) mod pem;
mod trust;

pub use trust::TrustRoots;
