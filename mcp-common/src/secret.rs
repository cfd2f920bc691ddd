//! Values that must never be seen: `Debug` redacts them, nothing serialises them.

/// A credential. `expose_secret()` is the only way to the text, so its uses can be found.
pub type Secret = secrecy::SecretString;

pub use secrecy::ExposeSecret;

/// How names of environment variables begin that definitions may use unless the operator says something else.
pub const SECRET_VARIABLES: &str = "DYNMCP_SECRET_";
