//! Who is calling: one module per authenticator, named like `app.authenticators` selects it.

#[cfg(feature = "api_key")]
pub mod api_key;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "none")]
pub mod none;
#[cfg(any(feature = "api_key", feature = "jwt"))]
mod shown;
#[cfg(feature = "api_key")]
pub mod stored_keys;
