//! The words and the ports of DynMCP.
//!
//! - [`document`], [`definition`]: what platform teams write: tools and instances as versioned documents.
//! - [`datasource`], [`authenticator`], [`authorizer`], [`plugin`]: the ports that plugins implement and how they are found.
//! - [`discovery`]: upstreams that nobody wrote as a document: the port behind which they are found, and what becomes of what is found.
//! - [`probe`]: the port behind which endpoints of upstreams are asked how they are.
//! - [`byte_size`]: how sizes are written.
//! - [`bounds`]: what anything that comes in may have before it is parsed.
//! - [`migration`]: what bringing a store's schema up to date did.
//! - [`private_file`]: how files are made that only this user may read.
//! - [`tally`]: the port behind which replicas count together.
//! - [`safe_mode`]: what a process died of while it compiled, for the process after it.
//! - [`tasks`], [`backoff`]: what runs in the background, and who sees to it that it does.
//! - [`catalog`]: the gateway's own complete copy of all definitions, kept in sync with one data source.
//!
//! Nothing here knows HTTP servers, databases or the MCP protocol.

// The attributes emit absolute paths, so that they also work inside this crate's own tests.
extern crate self as mcp_common;

pub mod authenticator;
pub mod authorizer;
pub mod backoff;
pub mod bounds;
pub mod byte_size;
pub mod catalog;
pub mod credential_name;
pub mod datasource;
pub mod definition;
pub mod discovery;
pub mod document;
pub mod events;
pub mod json;
pub mod key;
pub mod migration;
pub mod plugin;
pub mod private_file;
pub mod probe;
pub mod problem;
pub mod safe_mode;
pub mod secret;
pub mod tally;
pub mod tasks;
#[cfg(feature = "testsuite")]
pub mod testsuite;

#[doc(hidden)]
pub use inventory;
pub use mcp_macro::{authenticator, authorizer, datasource, discovery, health_probe};
