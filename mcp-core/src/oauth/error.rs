//! Why there is no token. No text has a secret in it.

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OAuthError {
    /// Somebody has to log in.
    #[error("{0}")]
    LoginNeeded(String),
    /// It may go better later.
    #[error("{0}")]
    Away(String),
    /// Something is not as it must be, or the authorization server does not want it.
    #[error("{0}")]
    Refused(String),
    /// The authorization server does not know the login any more.
    #[error("{0}")]
    Forgotten(String),
    /// The authorization server does not know the client, or does not believe that it is the one.
    #[error("{0}")]
    UnknownClient(String),
    /// A secret is missing.
    #[error("{0}; nothing was sent")]
    Secret(String),
}

impl OAuthError {
    /// The same with something before it.
    pub(super) fn after(self, before: &str) -> Self {
        let said = |text: String| format!("{before}{text}");
        match self {
            Self::LoginNeeded(text) => Self::LoginNeeded(said(text)),
            Self::Away(text) => Self::Away(said(text)),
            Self::Refused(text) => Self::Refused(said(text)),
            Self::Forgotten(text) => Self::Forgotten(said(text)),
            Self::UnknownClient(text) => Self::UnknownClient(said(text)),
            Self::Secret(text) => Self::Secret(said(text)),
        }
    }
}
