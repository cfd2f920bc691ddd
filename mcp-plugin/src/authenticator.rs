//! Who is calling: one module per authenticator, named like `app.authenticators` selects it.

#[cfg(feature = "api_key")]
pub mod api_key;
#[cfg(feature = "introspection")]
pub mod introspection;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "mtls")]
pub mod mtls;
#[cfg(feature = "none")]
pub mod none;
#[cfg(any(feature = "api_key", feature = "jwt", feature = "mtls"))]
mod shown;
#[cfg(feature = "api_key")]
pub mod stored_keys;
