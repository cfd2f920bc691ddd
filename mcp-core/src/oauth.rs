//! The gateway as a client of OAuth: what a server wants is found out (RFC 9728, RFC 8414), the client is known there or makes itself known
//! (RFC 7591), and a token is asked for, kept, renewed and shown to that server alone (RFC 8707).
//!
//! What a server names is not what the operator names: see [`Fetcher`] for what is fetched of it.

mod account;
mod accounts;
mod assertion;
mod binding;
mod challenge;
mod discovery;
mod error;
mod exchanged;
mod fetch;
mod grants;
mod kept;
mod login;
mod pkce;
mod registration;
mod scopes;
mod seal;
mod server;
mod tickets;
mod token;

pub(crate) use account::{Account, Means, REFUSED, Shown, Told};
pub(crate) use accounts::Present;
pub use accounts::{Accounts, LoggedIn};
pub(crate) use binding::Binding;
pub(crate) use challenge::Challenge;
pub use error::OAuthError;
pub(crate) use fetch::Fetcher;
pub use grants::GrantState;
pub use login::{Answered, CALLBACK, CLIENT_DOCUMENTS, LoginState, Presence, Registrant};
pub use seal::Seal;
pub use tickets::Ticket;
