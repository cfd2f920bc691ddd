//! Definitions, read from their documents: a TDS document is one tool, an IDS document is one instance, a UDS document is one upstream, a KDS document is one key, an RDS document is one role, an SDS document is one secret. Reading checks shapes and names; whether a tool can be called is found out by compiling
//! it (the catalog's [`Compile`](crate::catalog::Compile) port).

mod access;
pub mod api_key;
mod call_limits;
pub mod client_limits;
mod decode;
pub mod instance;
pub mod name;
pub mod role;
mod schema;
pub mod secret;
pub mod tool;
pub mod upstream;

pub use access::{Access, Unmet};
pub use api_key::ApiKeyDefinition;
pub use call_limits::{CallLimits, Per, Rate};
pub use decode::{Misread, UNUSED, decode};
pub use instance::InstanceDefinition;
pub use role::RoleDefinition;
pub use schema::{UnknownMembers, file_schema, schema, schema_of};
pub use secret::SecretDefinition;
pub use tool::ToolDefinition;
pub use upstream::UpstreamDefinition;

/// A document that could be read, and what is odd about it without being wrong.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// The definition.
    pub definition: T,
    /// Findings that do not keep it from working: unknown members, misspellings.
    pub warnings: Vec<String>,
}
