//! OpenAPI's styles: how lists and objects become text. The table of the specification (3.1.1, "Style Examples") is
//! the measure; where it says nothing, RFC 6570 and what servers commonly read.

use mcp_common::definition::tool::Style;

/// A style, whether items and members stand each for themselves, and which characters of them stay bare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spelling {
    pub(crate) style: Style,
    pub(crate) explode: bool,
    /// What stays as it is in queries and forms: the reserved characters that have no meaning there, and `%XX`.
    pub(crate) allow_reserved: bool,
}

/// OpenAPI's default for queries and forms.
pub(crate) const FORM: Spelling = Spelling::new(Style::Form, true);
/// OpenAPI's default for paths and headers.
pub(crate) const SIMPLE: Spelling = Spelling::new(Style::Simple, false);
/// The value's JSON text.
pub(crate) const JSON: Spelling = Spelling::new(Style::Json, false);

impl Spelling {
    pub(crate) const fn new(style: Style, explode: bool) -> Self {
        Self {
            style,
            explode,
            allow_reserved: false,
        }
    }
}
