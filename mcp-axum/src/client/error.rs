//! Why a gateway was not asked, or what it did not answer. Every text is one line for whoever sits at the terminal.

use http::StatusCode;

/// Why there is no answer, or none that is of use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The key cannot stand in a header.
    #[error("--key: a key is visible ASCII characters on one line; this has others")]
    Key,
    /// There is nothing that requests could be sent to.
    #[error("--server {server}: {reason}")]
    Server { server: String, reason: String },
    /// The system's certificates are not there.
    #[error("the certificate authorities cannot be read: {0}")]
    Authorities(String),
    /// The text is no URL, or one that must not be followed.
    #[error("{at}: {reason}")]
    Place { at: String, reason: String },
    /// The request did not arrive, or the answer did not.
    #[error("{at}: {cause}")]
    Transport { at: String, cause: String },
    /// Nothing came in time.
    #[error("{at}: no answer within {seconds} seconds; what was asked for may have been done")]
    Late { at: String, seconds: u64 },
    /// Nothing came any more.
    #[error("{at}: nothing came for {seconds} seconds in the middle of the answer")]
    Silent { at: String, seconds: u64 },
    /// The answer is longer than what is read.
    #[error("{at}: the answer has more than {limit} bytes, which is the limit")]
    TooLarge { at: String, limit: usize },
    /// A status that is no success.
    #[error("{at}: answered {status}")]
    Status { at: String, status: StatusCode },
    /// Something else than a gateway answers.
    #[error("{server}: answered {status}, which is no gateway's answer")]
    Foreign { server: String, status: StatusCode },
    /// The admin API refuses.
    #[error("{server}: {text}")]
    Refused { server: String, text: String },
    /// An MCP request was refused: by the gateway's door, or by the protocol.
    #[error("{text}")]
    McpRefused {
        status: StatusCode,
        text: String,
        /// Whether it was refused before a JSON-RPC message was read.
        is_at_the_door: bool,
    },
    /// An answer that is none of MCP.
    #[error("{0}")]
    Protocol(String),
}

impl ClientError {
    /// Whether what the client was told is to blame (exit code 2), not the circumstances.
    pub(crate) fn is_configuration(&self) -> bool {
        matches!(self, Self::Key | Self::Server { .. })
    }
}
