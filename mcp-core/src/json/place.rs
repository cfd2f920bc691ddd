//! Where in a document one is, for reasons that name the place.

use std::fmt;

/// A JSON pointer that grows with the walk and costs nothing until somebody reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    outer: Option<&'a At<'a>>,
    step: &'a str,
}

impl<'a> At<'a> {
    pub(crate) fn root(step: &'a str) -> Self {
        Self { outer: None, step }
    }

    pub(crate) fn then<'b>(&'b self, step: &'b str) -> At<'b> {
        At {
            outer: Some(self),
            step,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(outer) = self.outer {
            write!(f, "{outer}/")?;
        }
        f.write_str(self.step)
    }
}
