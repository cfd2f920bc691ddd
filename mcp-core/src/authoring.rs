//! What people do at a desk: import, export, plans, examples, explanations, and the way into the store. Nothing on the way of a call needs it.

pub mod access;
pub mod change_plan;
pub mod compare;
mod counted;
pub mod direct_call;
pub mod examples;
pub mod explain;
pub mod export;
pub mod import;
pub mod keys;
pub mod stored_form;
pub mod tokens;
pub mod writer;

pub use mcp_common::discovery::client_file as mcp_servers;
