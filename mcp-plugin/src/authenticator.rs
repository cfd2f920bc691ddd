//! Who is calling: one module per authenticator, named like `app.authenticators` selects it.

#[cfg(feature = "api_key")]
pub mod api_key;
#[cfg(feature = "none")]
pub mod none;
#[cfg(feature = "api_key")]
mod shown;
#[cfg(feature = "api_key")]
pub mod stored_keys;
