//! Why a description cannot be imported at all. What is wrong with one operation only is in the report.

/// Why nothing was planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// More than the bound.
    #[error(
        "the document has {size} bytes, at most {limit} are read (`bounds.description_bytes`); cut it into parts (by tag, for instance)"
    )]
    TooLarge {
        /// The size of the document.
        size: usize,
        /// The bound.
        limit: usize,
    },
    /// More than the bound.
    #[error(
        "the document has {count} selected operations, at most {limit} are imported at once (`bounds.description_operations`); use include and exclude"
    )]
    TooManyOperations {
        /// The number in the document.
        count: usize,
        /// The bound.
        limit: usize,
    },
    /// More than there is.
    #[error(
        "the document's values take about {} MiB of memory, which is more than is left of the {} MiB for what is in flight (`app.memory_budget`); cut it into parts (by tag, for instance), or try again when less is under way",
        needed.div_ceil(1 << 20),
        limit >> 20
    )]
    NoMemory {
        /// Bytes that they take.
        needed: u64,
        /// Bytes that there are for everything.
        limit: u64,
    },
    /// The text is neither JSON nor YAML.
    #[error("the document cannot be read: {0}")]
    Unreadable(String),
    /// The document has another format than the one that was asked for.
    #[error("{0}")]
    WrongFormat(String),
    /// The options make no sense.
    #[error("{0}")]
    Option(String),
}
