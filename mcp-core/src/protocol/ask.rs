//! One request on its way to its method.

use super::{
    Endpoint, Exchange,
    envelope::Id,
    params::{Meta, as_string},
    session::Session,
};
use crate::{
    policy::Verdict,
    relay::{ClientCan, Forwarded, LineParts, LogLevel, Logs, OpenCall, Reaches},
    spans::Above,
    spec::{Era, Method},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, sync::OnceLock};

/// A request whose envelope is checked.
pub(super) struct Ask<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) era: Era,
    pub(super) id: Id<'a>,
    /// `params`, for whoever answers elsewhere.
    pub(super) params: Option<&'a RawValue>,
    pub(super) meta: Option<Meta<'a>>,
    /// The session of an older request, where the instance has them.
    pub(super) session: Option<Session>,
    /// What `notifications/cancelled` finds.
    pub(super) call: Option<OpenCall>,
    pub(super) form: Form,
    /// What somebody outside said about it.
    pub(super) external: OnceLock<Verdict>,
}

/// The members by which a request goes on with an earlier one, and what that has to be the same in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GoesOn<'a> {
    #[serde(borrow, rename = "requestState")]
    pub(super) state: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "inputResponses")]
    pub(super) responses: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
}

impl GoesOn<'_> {
    /// What is asked for.
    pub(super) fn target(&self) -> &str {
        self.name.or(self.uri).map_or("", RawValue::get)
    }
}

/// How an answer leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The answer comes by itself: as JSON, or as the end of a stream.
    Alone,
    /// Within the answer to a batch.
    Joined,
}

impl Ask<'_> {
    /// Whether anything can be said before the answer.
    pub(super) fn may_stream(&self) -> bool {
        self.form == Form::Alone && self.exchange.accepts_events()
    }

    /// What the client wants to be told before the answer, and what it can be asked.
    pub(super) fn line_parts(&self) -> LineParts {
        let state = &self.endpoint.gateway.session_state;
        let meta = self.meta.as_ref();
        let token = meta.and_then(|meta| meta.progress_token);
        let logs = match self.era {
            Era::Modern => meta
                .and_then(|meta| meta.log_level)
                .and_then(as_string)
                .and_then(|level| LogLevel::parse(&level))
                .map_or(Logs::None, Logs::From),
            Era::Legacy => {
                let level = self.session.as_ref().and_then(|session| state.level(&session.id));
                level.map_or(Logs::Any, Logs::From)
            }
        };
        // Since 2026-07-28 a server asks nothing on a stream: a result says what it needs.
        let reaches = self.session.as_ref().zip(state.pending.as_ref());
        LineParts {
            progress_token: token.map(|raw| raw.get().into()),
            logs,
            client: match (&self.session, meta) {
                (Some(session), _) => session.agreed.client,
                (None, Some(meta)) => ClientCan::read(meta.client_capabilities),
                (None, None) => ClientCan::default(),
            },
            reaches: reaches.map(|(session, pending)| Reaches::Session {
                pending: pending.clone(),
                session: session.id.clone(),
            }),
        }
    }

    /// What a request says that goes on with an earlier one (2026-07-28).
    pub(super) fn goes_on(&self) -> GoesOn<'_> {
        let read = self.params.map(|raw| serde_json::from_str(raw.get()));
        read.and_then(Result::ok).unwrap_or_default()
    }

    /// The request for whoever answers it elsewhere.
    pub(super) fn forwarded(&self, method: Method) -> Forwarded {
        let exchange = self.exchange;
        let params = self.params.map(RawValue::to_owned);
        Forwarded {
            method,
            is_modern: self.era == Era::Modern,
            params: params.unwrap_or_else(|| RawValue::NULL.to_owned()),
            instance: exchange.view.entry.definition.id.clone(),
            principal: exchange.principal.clone(),
            peer: exchange.peer.clone(),
            via: self
                .endpoint
                .gateway
                .via
                .as_ref()
                .map(|via| via.value(Some(exchange.headers))),
            above: self
                .endpoint
                .engine
                .spans()
                .and_then(|spans| Above::read(spans, exchange.headers)),
            session: self.session.as_ref().map(|session| session.id.clone()),
        }
    }
}
