//! What a server is shown that wants tokens of OAuth, and what is done when it refuses them.

use super::{error::UpstreamError, http::dressed, settings::HubSettings};
use crate::{
    connect::{ConnectSettings, Connector, Policy},
    egress::EgressSettings,
    oauth::{
        Account, Accounts, Binding, Challenge, Fetcher, Means, OAuthError, REFUSED, Registrant, Shown,
        Ticket, Told,
    },
    tool::Transport,
};
use http::{StatusCode, Uri, header};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use mcp_common::{definition::UpstreamDefinition, secret::Secret};
use std::{sync::Arc, time::Duration};

/// Authorization servers are asked seldom.
const IDLE: Duration = Duration::from_secs(30);

/// The token of one server.
#[derive(Clone, Debug)]
pub(super) struct Authorization {
    account: Arc<Account>,
    means: Arc<Means>,
    /// The gateway's own account, where this is a caller's.
    base: Option<Arc<Account>>,
}

/// How often one request is made.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    is_renewed: bool,
    is_widened: bool,
}

impl Authorization {
    /// Of the server at this URL of HTTP; `None` where it is shown something else, or nothing.
    pub(super) fn of(
        url: &str,
        definition: &UpstreamDefinition,
        settings: &HubSettings,
    ) -> Result<Option<Self>, UpstreamError> {
        let Some(binding) = Binding::of(definition) else {
            return Ok(None);
        };
        let means = Self::means(url, definition, settings, binding)?;
        Ok(Some(Self {
            account: settings.accounts.account(&means.upstream, url, &means.binding),
            means: Arc::new(means),
            base: None,
        }))
    }

    /// The same with the account of a caller, if they have connected one.
    pub(super) fn of_caller(&self, accounts: &Accounts, owner: &Arc<str>) -> Result<Self, UpstreamError> {
        let means = &self.means;
        let account = accounts.of_caller(&means.upstream, &means.url, &means.binding, owner);
        let missing = || UpstreamError::NoGrant("none is connected".to_owned());
        Ok(self.with(account.ok_or_else(missing)?))
    }

    /// The same with what the token of a caller is exchanged for.
    pub(super) fn of_token(&self, accounts: &Accounts, token: &Arc<Secret>) -> Self {
        let means = &self.means;
        let account = accounts.of_token(&self.account, &means.upstream, &means.url, &means.binding, token);
        self.with(account)
    }

    /// The same with one that the caller is about to connect.
    pub(super) fn for_caller(&self, accounts: &Accounts, ticket: &Ticket) -> Self {
        let means = &self.means;
        self.with(accounts.for_caller(ticket, &means.url, &means.binding))
    }

    fn with(&self, account: Arc<Account>) -> Self {
        Self {
            account,
            means: self.means.clone(),
            base: Some(self.account.clone()),
        }
    }

    fn means(
        url: &str,
        definition: &UpstreamDefinition,
        settings: &HubSettings,
        binding: Binding,
    ) -> Result<Means, UpstreamError> {
        // What is wrong with it was found when it was written.
        let transport = Transport::of_upstream(definition, &mut Vec::new());
        // Others than those that the operator names are not shown the document's certificate.
        let strange = transport.for_strangers().unwrap_or_default();
        let (tls, hop) = dressed(&transport, settings)?;
        let (strange_tls, _) = dressed(&strange, settings)?;
        let policy = |gateway: EgressSettings, transport: &Transport| {
            Arc::new(Policy {
                gateway,
                own: transport.egress.clone(),
            })
        };
        let client = |egress: Arc<Policy>, transport: &Transport, tls| {
            let connecting = ConnectSettings {
                egress,
                server_name: transport.server_name.clone(),
                timeout: definition.timeouts.connect(),
            };
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .build(Connector::new(connecting, tls, hop.clone()))
        };
        let public = EgressSettings {
            allow_private: false,
            allow_loopback: false,
            ..settings.egress.clone()
        };
        let strangers = policy(public, &strange);
        let named = std::iter::once(url).chain(binding.named());
        let fetcher = Fetcher {
            // Those that are none were found when the document was written.
            named: named.filter_map(|url| url.parse::<Uri>().ok()).collect(),
            own: client(policy(settings.egress.clone(), &transport), &transport, tls),
            public: client(strangers.clone(), &strange, strange_tls),
            strangers,
            hop: hop.clone(),
        };
        Ok(Means {
            upstream: definition.id.clone(),
            url: url.to_owned(),
            binding,
            fetcher,
            secrets: settings.secrets.clone(),
        })
    }

    /// Whether somebody can log in.
    pub(super) fn takes_logins(&self) -> bool {
        self.account.takes_logins()
    }

    /// What tells the account from all others.
    pub(super) fn number(&self) -> u64 {
        self.account.number()
    }

    /// Begins a login, which this browser ends if one is named: the address that somebody has to open.
    pub(super) async fn begin_login(
        &self,
        accounts: &Accounts,
        browser: Option<String>,
        registrant: &Registrant,
    ) -> Result<String, OAuthError> {
        let of = (self.base.as_ref(), browser);
        accounts
            .begin_login(&self.account, &self.means, of, registrant)
            .await
    }

    /// Gives the login back.
    pub(super) async fn forget(&self) -> Told {
        self.account.forget(Some(&self.means)).await
    }

    /// Gives back a caller's account of this id, at this server.
    pub(super) async fn give_back(&self, accounts: &Accounts, id: &str) -> Option<Told> {
        accounts.give_back(id, Some(&self.means)).await
    }

    /// Why there is no token, with what can be done about it.
    fn told(&self, error: OAuthError) -> UpstreamError {
        match error {
            OAuthError::LoginNeeded(text) if self.account.is_of_caller() => UpstreamError::NoGrant(text),
            // What the server does not take time and again may be one that only its owner can mend.
            OAuthError::Refused(text)
                if self.account.is_of_caller() && self.account.login_state().login_needed =>
            {
                UpstreamError::NoGrant(text)
            }
            error => error.into(),
        }
    }

    /// Why nothing is done, where the server refuses the token that was just got for it.
    pub(super) fn refused(&self) -> UpstreamError {
        self.told(OAuthError::Refused(REFUSED.to_owned()))
    }

    /// What the first attempt is sent with.
    pub(super) async fn shown(&self) -> Result<Option<Shown>, UpstreamError> {
        let showing = self.account.shown(&self.means).await;
        showing.map_err(|error| self.told(error))
    }

    /// What the next attempt is sent with; `None` where there is none, since the server has taken the token, or refuses it for good.
    pub(super) async fn after<B>(
        &self,
        shown: Option<&Shown>,
        response: &http::Response<B>,
        attempts: &mut Attempts,
    ) -> Result<Option<Shown>, UpstreamError> {
        let challenge = || Challenge::of(response.headers());
        match response.status() {
            StatusCode::UNAUTHORIZED if !attempts.is_renewed => {
                attempts.is_renewed = true;
                let renewing = self.account.renewed(&self.means, shown, challenge());
                renewing.await.map(Some).map_err(|error| self.told(error))
            }
            StatusCode::UNAUTHORIZED => {
                if let Some(shown) = shown {
                    self.account.refused(shown);
                }
                Ok(None)
            }
            StatusCode::FORBIDDEN if !attempts.is_widened && challenge().wants_more() => {
                if let Some(shown) = shown {
                    shown.prove();
                }
                attempts.is_widened = true;
                let widening = self.account.widened(&self.means, shown, challenge());
                widening.await.map(Some).map_err(|error| self.told(error))
            }
            _ => {
                if let Some(shown) = shown {
                    shown.prove();
                }
                Ok(None)
            }
        }
    }
}

/// Whether the server wants a token of OAuth; said where the document has none.
pub(super) fn wants_token<B>(response: &http::Response<B>) -> bool {
    response.status() == StatusCode::UNAUTHORIZED
        && response.headers().contains_key(header::WWW_AUTHENTICATE)
        && Challenge::of(response.headers()).is_of_oauth()
}

impl From<OAuthError> for UpstreamError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::Secret(text) => Self::Secret(text),
            error => Self::Authorization(error.to_string()),
        }
    }
}
