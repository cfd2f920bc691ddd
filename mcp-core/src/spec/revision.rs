//! The protocol revisions that this gateway serves. Revisions are opaque names: membership decides, never comparison.

/// Revisions with per-request metadata, newest first.
pub const MODERN: &[&str] = &["2026-07-28"];

/// A revision of the `initialize` handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Legacy {
    /// HTTP+SSE revision; its `initialize` is answered over Streamable HTTP too.
    V2024_11_05 = 0,
    /// The only one with batches.
    V2025_03_26 = 1,
    /// Structured content, header required.
    V2025_06_18 = 2,
    /// Icons, JSON Schema 2020-12.
    V2025_11_25 = 3,
}

impl Legacy {
    /// What an unknown or modern version is answered with.
    pub const LATEST: Self = Self::V2025_11_25;
    /// What a request without version header and session is taken for (2025-06-18, "Protocol Version Header").
    pub const ASSUMED: Self = Self::V2025_03_26;

    const ALL: [Self; 4] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
    ];

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == name)
    }

    /// The revision with this number in session ids.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
        }
    }
}
