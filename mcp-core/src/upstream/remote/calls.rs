//! Calls of an upstream, which run where somebody waits for them: in its session, or in one of its client's own.

use super::Remote;
use crate::{
    live::NoTurn,
    spec::Method,
    upstream::{
        call::{self, RemoteCall, Wanted},
        clients::{Client, ClientKey},
        error::UpstreamError,
        news::Purpose,
        outgoing::Speech,
        session::{Session, within_call},
        settings::HubSettings,
        status::State,
    },
};
use bytes::Bytes;
use mcp_common::definition::{
    UpstreamDefinition,
    upstream::{UpstreamEra, UpstreamSessions, UpstreamTransport},
};
use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio_util::context::TokioContext;

/// How long calls wait for a session at another endpoint.
const MOVING: Duration = Duration::from_secs(5);

/// Who waited for less has not waited.
const BRIEF: Duration = Duration::from_millis(1);

impl Remote {
    /// The result of a call, as the server wrote it.
    pub(in crate::upstream) async fn call(
        &self,
        call: &RemoteCall,
        settings: &HubSettings,
    ) -> Result<Bytes, UpstreamError> {
        let limit = self.definition.timeouts.call();
        let begun = Instant::now();
        let entered = self.places.enter((call.principal.as_deref(), begun + limit));
        let _place = entered.await.map_err(|why| self.has_no_place(&why))?;
        // What it waited is a part of its time.
        let limit = match begun.elapsed() {
            waited if waited < BRIEF => limit,
            waited => limit.saturating_sub(waited),
        };
        // Pinned, so that it is not moved into the future of each bound.
        let calling = pin!(self.attempts(call, settings));
        within_call(calling, call.line.as_ref(), limit, call.wanted.step()).await
    }

    fn has_no_place(&self, why: &NoTurn) -> UpstreamError {
        let limits = &self.definition.limits;
        match limits.queue {
            0 => UpstreamError::Overloaded {
                limit: limits.concurrency,
            },
            _ => UpstreamError::NoTurn {
                limit: limits.concurrency,
                why: why.to_string(),
            },
        }
    }

    /// Boxed is what few calls need, so that the others have no room for it.
    async fn attempts(&self, call: &RemoteCall, settings: &HubSettings) -> Result<Bytes, UpstreamError> {
        if self.definition.is_used_in_names_of_callers() {
            return Box::pin(self.ask_with_account(call, settings)).await;
        }
        let shared = match self.current() {
            Err(_) if self.is_moving() => Box::pin(self.next_session()).await?,
            current => current?,
        };
        let own = match self.is_apart(call, &shared) {
            true => call.client_key(),
            false => None,
        };
        if let Some(key) = own {
            return Box::pin(self.ask_apart(&key, shared.transport, call, settings)).await;
        }
        let first = call::ask(&shared, call, settings).await;
        match &first {
            // A new session is on its way, with several endpoints at one that answers.
            Err(error) if self.may_go_on(call, shared.is_at_one_endpoint(), error) => {
                shared.news.lost();
                Box::pin(self.ask_another(&shared, call, settings)).await
            }
            Err(error) if error.is_lost() => {
                shared.news.doubt.notify_one();
                first
            }
            _ => first,
        }
    }

    /// In the session that takes the place of this one.
    async fn ask_another(
        &self,
        lost: &Arc<Session>,
        call: &RemoteCall,
        settings: &HubSettings,
    ) -> Result<Bytes, UpstreamError> {
        let next = self.awaited(|session| !Arc::ptr_eq(session, lost)).await?;
        self.again();
        call::ask(&next, call, settings).await
    }

    /// In the session of the call's own client.
    async fn ask_apart(
        &self,
        key: &ClientKey,
        transport: UpstreamTransport,
        call: &RemoteCall,
        settings: &HubSettings,
    ) -> Result<Bytes, UpstreamError> {
        let open = || self.open_for(key, transport, settings);
        match self.session_of(key, open).await?.ask(call, settings).await {
            Err(error) if self.may_go_on(call, true, &error) => {
                let next = self.session_of(key, open).await?;
                self.again();
                next.ask(call, settings).await
            }
            answered => answered,
        }
    }

    /// The session of this client. It outlives the call that opens it, and the worker that makes the call.
    pub(in crate::upstream) async fn session_of<F>(
        &self,
        key: &ClientKey,
        open: impl FnOnce() -> F,
    ) -> Result<Arc<Client>, UpstreamError>
    where
        F: Future<Output = Result<Session, UpstreamError>>,
    {
        let session = self.clients.session(key, open);
        TokioContext::new(session, self.home.clone()).await
    }

    /// Whether the call is made again in a new session: nothing was done where the server does not know who asks. A session that is at one of several
    /// endpoints is followed by one at another, if this one is gone.
    pub(in crate::upstream) fn may_go_on(
        &self,
        call: &RemoteCall,
        is_at_one: bool,
        error: &UpstreamError,
    ) -> bool {
        let has_others = is_at_one && self.fleet.is_some();
        let is_repeatable = match &call.wanted {
            Wanted::Tool(tool) => tool.is_repeatable,
            Wanted::Task(method) => *method == Method::TasksGet,
            _ => true,
        };
        match error {
            UpstreamError::SessionGone => true,
            UpstreamError::Unreachable(_) => has_others,
            UpstreamError::Connection(_) | UpstreamError::Ended(_) => has_others && is_repeatable,
            _ => false,
        }
    }

    /// A call is made again.
    pub(in crate::upstream) fn again(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the call is made in a session of its client's own: older servers ask their client, and one that is everybody's
    /// could not be answered. A program is one process for all of them, unless its document says otherwise.
    fn is_apart(&self, call: &RemoteCall, shared: &Session) -> bool {
        if shared.speech == Speech::Modern {
            return false;
        }
        match self.definition.sessions {
            UpstreamSessions::Shared => false,
            UpstreamSessions::PerClient => true,
            UpstreamSessions::Auto => {
                let answers = call.line.as_ref().is_some_and(|line| !line.client().is_none());
                answers && self.definition.command.is_none()
            }
        }
    }

    async fn open_for(
        &self,
        key: &ClientKey,
        transport: UpstreamTransport,
        settings: &HubSettings,
    ) -> Result<Session, UpstreamError> {
        let purpose = Purpose {
            role: key.role(),
            caller: Some(key.caller.name.clone()),
            changed: self.changed.clone(),
            ..Purpose::default()
        };
        let mut definition = UpstreamDefinition::clone(&self.definition);
        // It is known already how the server speaks.
        definition.era = UpstreamEra::Legacy;
        definition.transport = Some(transport);
        Session::open(&Arc::new(definition), settings, self.owned(&purpose)).await
    }

    fn current(&self) -> Result<Arc<Session>, UpstreamError> {
        let session = self.session.borrow().clone();
        session.ok_or_else(|| {
            let status = self.status.get();
            let why = match status.last_error {
                Some(error) => error,
                None => "the connection is being made".to_owned(),
            };
            UpstreamError::NotConnected(why)
        })
    }

    /// Whether the session that was lost is made anew at another endpoint, which takes a moment.
    fn is_moving(&self) -> bool {
        let status = self.status.get();
        self.fleet.is_some() && status.state == State::Connecting && status.attempts == 1
    }

    async fn next_session(&self) -> Result<Arc<Session>, UpstreamError> {
        self.awaited(|_| true).await
    }

    async fn awaited(&self, is_it: impl Fn(&Arc<Session>) -> bool) -> Result<Arc<Session>, UpstreamError> {
        let mut sessions = self.session.subscribe();
        let is_other = |session: &Option<Arc<Session>>| session.as_ref().is_some_and(&is_it);
        let limit = self.definition.timeouts.handshake();
        let limit = if self.fleet.is_some() {
            limit.min(MOVING)
        } else {
            limit
        };
        let found = tokio::select! {
            // Nobody makes one any more.
            () = self.stop.cancelled() => return Err(UpstreamError::SessionGone),
            found = tokio::time::timeout(limit, sessions.wait_for(is_other)) => found,
        };
        match found {
            Ok(Ok(session)) => session.clone().ok_or(UpstreamError::SessionGone),
            _ => Err(UpstreamError::SessionGone),
        }
    }
}
