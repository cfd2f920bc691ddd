//! The two eras of the protocol.

/// How a request is to be read and what its answer has to carry (`docs/PROTOCOL.md`, 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// Since 2026-07-28: every request stands alone and brings its metadata.
    Modern,
    /// The revisions before it, which begin with `initialize`.
    Legacy,
}
