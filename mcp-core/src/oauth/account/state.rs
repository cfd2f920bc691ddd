//! What is known of an account.

use super::Shown;
use crate::oauth::{
    challenge::Challenge,
    discovery::Found,
    error::OAuthError,
    registration::Registered,
    token::{Granted, Token},
};
use mcp_common::secret::Secret;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The time for which nobody asks again after a failure.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// The same after a server has refused many new tokens in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What is said of a server that takes none of its tokens.
pub(crate) const REFUSED: &str = "the server refuses the token that the gateway was just given for it (401)";

/// What is known.
#[derive(Clone, Default)]
pub(in crate::oauth) struct State {
    pub(in crate::oauth) token: Option<Token>,
    /// Whether the server has taken the token.
    pub(in crate::oauth) is_proven: Arc<AtomicBool>,
    /// How many tokens in a row it has refused without having taken them before.
    pub(in crate::oauth) refusals: u32,
    pub(in crate::oauth) refresh: Option<Secret>,
    /// Where the token is from.
    pub(in crate::oauth) found: Option<Found>,
    /// The client whose login it is, where it made itself known.
    pub(in crate::oauth) registered: Option<Registered>,
    /// The authorization server says that it does not know that client.
    pub(in crate::oauth) is_unknown: bool,
    /// The client of logins that are not over yet.
    pub(in crate::oauth) offered: Option<Registered>,
    /// The authorization server that was believed first.
    pub(in crate::oauth) issuer: Option<String>,
    /// The scopes that were asked for last.
    pub(in crate::oauth) asked: Vec<String>,
    /// The scopes of the next login, where the server wants more than were asked for.
    pub(in crate::oauth) wanted: Vec<String>,
    pub(in crate::oauth) challenge: Challenge,
    /// Until when nobody asks again, and why.
    pub(in crate::oauth) failed: Option<(Instant, OAuthError)>,
}

impl State {
    pub(super) fn shown(&self) -> Option<Shown> {
        let token = self
            .token
            .as_ref()
            .filter(|token| Instant::now() < token.expires)?;
        Some(Shown {
            header: token.header.clone(),
            is_proven: self.is_proven.clone(),
        })
    }

    pub(super) fn has_failed(&self) -> Option<OAuthError> {
        let failed = self.failed.as_ref().filter(|(until, _)| Instant::now() < *until);
        failed.map(|(_, error)| error.clone())
    }

    /// The server has refused a token. One that was good before is over; one that it never took may be of no use, and neither the next one: nobody asks for it at
    /// once for ever. What tokens are got with stays.
    pub(super) fn refused(&mut self) {
        if self.is_proven.load(Ordering::Relaxed) {
            self.refusals = 0;
            return;
        }
        // A single one may have been revoked together with others.
        self.refusals = self.refusals.saturating_add(1);
        let doubled = self.refusals.checked_sub(2).map(|more| 1_u32 << more.min(16));
        if let Some(times) = doubled {
            let pause = PAUSE.saturating_mul(times).min(LONGEST_PAUSE);
            self.failed = Some((Instant::now() + pause, OAuthError::Refused(REFUSED.to_owned())));
        }
    }

    /// What holds whatever tokens are asked for with.
    pub(in crate::oauth) fn without_tokens(&self) -> Self {
        Self {
            issuer: self.issuer.clone(),
            offered: self.offered.clone().or_else(|| self.registered.clone()),
            ..Self::default()
        }
    }

    pub(super) fn take(&mut self, granted: Granted, asked: Vec<String>) {
        self.token = Some(granted.token);
        self.is_proven = Arc::default();
        self.refresh = granted.refresh.or_else(|| self.refresh.take());
        self.is_unknown = false;
        self.asked = asked;
        self.failed = None;
    }
}
