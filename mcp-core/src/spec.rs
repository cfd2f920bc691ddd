//! The words of the MCP specification that every room may use: revisions, the two eras they fall into, and methods.

mod era;
mod method;
mod revision;

pub use era::Era;
pub use method::{Feature, Method};
pub use revision::{Legacy, MODERN};
