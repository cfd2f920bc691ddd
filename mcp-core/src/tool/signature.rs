//! What calls of a tool are held to, wherever they lead.

use super::{Layout, Required, Schema};
use std::{fmt, sync::Arc};

/// What goes into a tool and what comes out of it. Shared by the tool's target and by what instances make of the tool.
pub(crate) struct Signature {
    /// The tool's id.
    pub(crate) id: Arc<str>,
    /// How arguments arrive.
    pub(crate) layout: Layout,
    /// Those that no call is without.
    pub(crate) required: Required,
    /// `None` where the schema accepts every object.
    pub(crate) validator: Option<Schema>,
    /// What `output_schema` promises.
    pub(crate) output: Option<Schema>,
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature")
            .field("id", &self.id)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}
