//! Who is asked about calls: one module per authorizer, named like `access.external.authorizer` selects it.

#[cfg(feature = "http")]
pub mod http;
