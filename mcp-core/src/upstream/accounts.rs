//! Upstreams that are used in the name of each caller, with an account of their own or what their token is exchanged for: their calls, the links by which they connect it, and what is connected. A caller
//! without one calls nothing; nobody else's account takes its place.

use super::{
    authorization::Authorization,
    call::{Caller, RemoteCall},
    clients::ClientKey,
    error::UpstreamError,
    hub::Hub,
    logins::over_http,
    news::Purpose,
    outgoing::Speech,
    remote::Remote,
    session::Session,
    settings::HubSettings,
};
use crate::{
    oauth::{Binding, GrantState, Registrant, Ticket, Told},
    relay::ClientCan,
};
use bytes::Bytes;
use mcp_common::definition::{
    UpstreamDefinition,
    upstream::{UpstreamEra, UpstreamTransport},
};
use std::{sync::Arc, time::Duration};

/// An account that was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// What the authorization server was told: `true` where it has revoked it, `false` where there was nothing to tell.
    pub revoked: bool,
    /// Why it was not told.
    pub problem: Option<String>,
}

impl From<Told> for GivenBack {
    fn from(told: Told) -> Self {
        Self {
            revoked: told == Told::Revoked,
            problem: match told {
                Told::Not(problem) => Some(problem),
                Told::Revoked | Told::Nothing => None,
            },
        }
    }
}

impl Remote {
    /// A call with its caller's account, in a session that nobody else has.
    pub(super) async fn ask_with_account(
        &self,
        call: &RemoteCall,
        settings: &HubSettings,
    ) -> Result<Bytes, UpstreamError> {
        let (Some(owner), Some(caller)) = (&call.owner, &call.caller) else {
            return Err(UpstreamError::Refused(
                "each caller uses it with an account of their own, and this call is nobody's in particular: it needs a key or a token"
                    .to_owned(),
            ));
        };
        let own = self.own_authorization(settings)?;
        let account = match (self.definition.is_used_by_accounts_of_callers(), &call.token) {
            (true, _) => own.of_caller(&settings.accounts, owner)?,
            (false, Some(token)) => own.of_token(&settings.accounts, token),
            (false, None) => {
                return Err(UpstreamError::Refused(
                    "tokens of callers are exchanged for it, and this caller has shown none, but a key or a certificate; nothing was sent".to_owned(),
                ));
            }
        };
        let listed = self.listed();
        let is_modern = match &listed {
            Some(session) => session.speech == Speech::Modern,
            None => self.definition.era == UpstreamEra::Modern,
        };
        let key = match is_modern {
            // Nothing is remembered between two requests.
            true => ClientKey {
                caller: Caller {
                    session: None,
                    name: owner.clone(),
                },
                client: ClientCan::default(),
                account: Some(account.number()),
            },
            false => ClientKey {
                caller: caller.clone(),
                client: call.line.as_ref().map(|line| line.client()).unwrap_or_default(),
                account: Some(account.number()),
            },
        };
        let spoken = listed.map(|session| (session.speech, session.transport));
        let open = || self.open_with_account(&key, spoken, &account, settings);
        match self.session_of(&key, open).await?.ask(call, settings).await {
            Err(error) if self.may_go_on(call, true, &error) => {
                let next = self.session_of(&key, open).await?;
                self.again();
                next.ask(call, settings).await
            }
            answered => answered,
        }
    }

    /// The gateway's own, which all calls share the means of.
    fn own_authorization(&self, settings: &HubSettings) -> Result<&Authorization, UpstreamError> {
        if let Some(own) = self.own.get() {
            return Ok(own);
        }
        let made = own_authorization(&self.definition, settings)?;
        Ok(self.own.get_or_init(|| made))
    }

    async fn open_with_account(
        &self,
        key: &ClientKey,
        spoken: Option<(Speech, UpstreamTransport)>,
        account: &Authorization,
        settings: &HubSettings,
    ) -> Result<Session, UpstreamError> {
        let purpose = Purpose {
            role: key.role(),
            account: Some(account.clone()),
            changed: self.changed.clone(),
            ..Purpose::default()
        };
        let mut definition = UpstreamDefinition::clone(&self.definition);
        // It is known already how the server speaks.
        if let Some((speech, transport)) = spoken {
            definition.transport = Some(transport);
            definition.era = match speech {
                Speech::Modern => UpstreamEra::Modern,
                Speech::Legacy(_) => UpstreamEra::Legacy,
                Speech::Opening => definition.era,
            };
        }
        Session::open(&Arc::new(definition), settings, self.owned(&purpose)).await
    }
}

fn own_authorization(
    definition: &UpstreamDefinition,
    settings: &HubSettings,
) -> Result<Authorization, UpstreamError> {
    let url = over_http(definition.url.as_deref().unwrap_or_default());
    Authorization::of(&url, definition, settings)?.ok_or_else(nobody_connects)
}

fn nobody_connects() -> UpstreamError {
    UpstreamError::Refused(
        "nobody connects an account: its document has no `auth.type: oauth2_user`".to_owned(),
    )
}

impl Hub {
    /// By which URL browsers reach the gateway from now on; `None` where it does not know.
    pub fn reached_at(&self, base: Option<&str>) {
        let base = base.map(|base| Arc::new(base.trim_end_matches('/').to_owned()));
        self.base.store(base);
    }

    /// The address at which a caller connects an upstream.
    pub fn connect_link(&self, ticket: Ticket) -> Result<String, UpstreamError> {
        let settings = self.settings();
        let base = self.base.load_full().ok_or_else(|| {
            UpstreamError::Refused(
                "`app.public_url` does not say by which URL browsers reach the gateway".to_owned(),
            )
        })?;
        let ticket = settings.accounts.give_ticket(ticket)?;
        Ok(format!("{base}/connect/{ticket}"))
    }

    /// Whose link it is that ends so.
    pub fn ticket(&self, text: &str) -> Option<Ticket> {
        self.settings().accounts.ticket(text)
    }

    /// Begins a login for the caller of a link, which this browser has to end: the address that it has to open.
    pub async fn begin_connecting(
        &self,
        ticket: &Ticket,
        browser: String,
        registrant: Registrant,
    ) -> Result<String, UpstreamError> {
        let settings = self.settings();
        let definition = self.offer(&ticket.upstream).map(|offer| offer.definition);
        let definition = definition.ok_or_else(|| {
            UpstreamError::NotConnected("it is not defined any more, or switched off".to_owned())
        })?;
        if !definition.is_used_by_accounts_of_callers() {
            return Err(nobody_connects());
        }
        let authorization = own_authorization(&definition, &settings)?.for_caller(&settings.accounts, ticket);
        let accounts = settings.accounts.clone();
        let beginning = async move {
            authorization
                .begin_login(&accounts, Some(browser), &registrant)
                .await
        };
        self.here(beginning).await
    }

    /// Whether a caller has connected an account that can be used.
    pub fn is_connected(&self, upstream: &str, owner: &Arc<str>) -> bool {
        let Some(definition) = self.offer(upstream).map(|offer| offer.definition) else {
            return false;
        };
        let url = over_http(definition.url.as_deref().unwrap_or_default());
        // One for what the document said before is none.
        let settings = self.settings();
        let account = Binding::of(&definition)
            .and_then(|binding| settings.accounts.of_caller(&definition.id, &url, &binding, owner));
        account.is_some_and(|account| !account.login_state().login_needed)
    }

    /// Waits until a caller has connected an account, but not longer than this.
    pub async fn until_connected(&self, upstream: &str, owner: &Arc<str>, limit: Duration) -> bool {
        let accounts = self.settings().accounts.clone();
        let connected = accounts.until(|| self.is_connected(upstream, owner));
        tokio::time::timeout(limit, connected).await.is_ok()
    }

    /// All accounts that callers have connected.
    pub fn grants(&self) -> Vec<GrantState> {
        let mut all = self.settings().accounts.grants();
        for grant in &mut all {
            // One for what the document said before does not do for a call.
            let is_offered = self.offer(&grant.upstream).is_some();
            grant.login.login_needed |= is_offered && !self.is_connected(&grant.upstream, &grant.owner);
        }
        all
    }

    /// Takes away the accounts of callers who are not there any more, by what tells them from others.
    pub fn keep_callers(&self, is_there: &dyn Fn(&str) -> bool) {
        self.settings().accounts.keep_callers(is_there);
    }

    /// Gives back an account of a caller; `None` if there is none of this id.
    pub async fn give_back(&self, id: &str) -> Option<GivenBack> {
        let settings = self.settings();
        let grant = settings
            .accounts
            .grants()
            .into_iter()
            .find(|grant| grant.id == id)?;
        let id = id.to_owned();
        // An upstream that is not there any more cannot be asked where its authorization server is.
        let authorization = self.authorization(&grant.upstream).and_then(Result::ok);
        let giving = async move {
            Ok(match authorization {
                Some(authorization) => authorization.give_back(&settings.accounts, &id).await,
                None => settings.accounts.give_back(&id, None).await,
            })
        };
        let given: Result<Option<Told>, UpstreamError> = self.here(giving).await;
        match given {
            Ok(told) => told.map(GivenBack::from),
            Err(error) => Some(GivenBack {
                revoked: false,
                problem: Some(error.to_string()),
            }),
        }
    }
}
