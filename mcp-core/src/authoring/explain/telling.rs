//! Values that are not shown. Definitions should name secrets by reference (`auth`), but one that has a key in plain text
//! is not made worse by showing it around.

pub(super) use mcp_common::credential_name::is_credential;

/// What is shown instead.
pub(crate) const HIDDEN: &str = "***";
