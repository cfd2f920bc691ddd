//! Makes the records on the way of requests: one for each call, each change and each refusal.

use super::{
    buffer::{Buffer, Room},
    entry::{Entry, What, short, trace_id},
};
use http::{HeaderName, StatusCode};
use mcp_common::definition::upstream::Pattern;
use mcp_core::{
    policy::{Action, Answer, Asked, Gate, Held, Hold, Record, Refusal, Verb, Verdict},
    spec::Method,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Who has no good key is remembered so many times a minute, and then counted: nobody fills the log with guesses.
const STRANGERS_A_MINUTE: u64 = 60;

/// Longer arguments are not remembered, in bytes.
pub(super) const MOST_ARGUMENTS: usize = 64 << 10;

/// What a record may have beside its arguments: what a caller chose is cut.
const ROOM: usize = size_of::<Entry>() + 2 * 1024;

/// What is remembered beside calls, changes and refusals.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Reads in `/admin`.
    pub(super) reads: bool,
    /// Whose arguments, as `instance/tool`.
    pub(super) arguments: Vec<Pattern>,
    /// What cannot be remembered is not done.
    pub(super) refuses: bool,
}

/// The gate. It has to be the last: whoever refuses after it would refuse what it has let in.
pub(super) struct AuditGate {
    pub(super) scope: Scope,
    pub(super) buffer: Arc<Buffer>,
    /// The minute since 1970, and how many strangers came in it.
    strangers: AtomicU64,
}

/// A request that is under way.
struct Open {
    /// Taken when it is over.
    entry: Option<Box<Entry>>,
    started: Instant,
    buffer: Arc<Buffer>,
    room: Option<Room>,
}

impl AuditGate {
    pub(super) fn new(scope: Scope, buffer: Arc<Buffer>) -> Self {
        Self {
            scope,
            buffer,
            strangers: AtomicU64::new(0),
        }
    }

    fn is_recorded(&self, action: &Action<'_>) -> bool {
        match action {
            Action::Mcp { method, .. } => is_call(*method),
            Action::Admin { verb, path } => self.scope.reads || (*verb != Verb::Read && !is_reading(path)),
        }
    }

    fn arguments(&self, action: &Action<'_>) -> Option<Box<str>> {
        let Action::Mcp {
            instance,
            target: Some(tool),
            arguments: Some(arguments),
            ..
        } = action
        else {
            return None;
        };
        if self.scope.arguments.is_empty() || arguments.len() > MOST_ARGUMENTS {
            return None;
        }
        let name = format!("{instance}/{tool}");
        let mut patterns = self.scope.arguments.iter();
        patterns
            .any(|pattern| pattern.matches(&name))
            .then(|| (*arguments).into())
    }

    fn entry(&self, asked: &Asked<'_>) -> Box<Entry> {
        let principal = asked.principal;
        Box::new(Entry {
            at: SystemTime::now(),
            request_id: asked.request.id.clone(),
            address: asked.request.address,
            trace_id: trace_id(asked.request.headers.get(TRACE_PARENT)),
            principal: Some(principal.subject.clone()),
            key: principal.grant.as_ref().and_then(|grant| grant.key().cloned()),
            what: what(&asked.action),
            is_allowed: true,
            outcome: "cancelled",
            reason: None,
            error: None,
            status: None,
            upstream: None,
            took: None,
            bytes: None,
            revision: None,
            external: None,
            arguments: self.arguments(&asked.action),
        })
    }

    /// Whether a refusal of somebody without a good key has a record of its own.
    fn is_told(&self, now: SystemTime) -> bool {
        let minute = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60;
        let count = |seen: u64| match seen >> 32 == minute {
            true => seen + 1,
            false => minute << 32 | 1,
        };
        let seen = self
            .strangers
            .fetch_update(Relaxed, Relaxed, |seen| Some(count(seen)));
        seen.map_or(0, count) & 0xffff_ffff <= STRANGERS_A_MINUTE
    }
}

impl Gate for AuditGate {
    fn admit(&self, asked: &Asked<'_>) -> Result<Option<Hold>, Refusal> {
        if !self.is_recorded(&asked.action) {
            return Ok(None);
        }
        let entry = self.entry(asked);
        let room = match self.scope.refuses {
            false => None,
            true => {
                let bytes = ROOM + entry.arguments.as_ref().map_or(0, |arguments| arguments.len());
                let room = self.buffer.reserve(bytes).ok_or_else(|| {
                    Refusal::Unable(
                        "the audit log cannot be written now, and what it cannot record is not done \
                         (`audit.on_full`); the gateway's log says why"
                            .to_owned(),
                    )
                })?;
                Some(room)
            }
        };
        Ok(Some(Box::new(Open {
            entry: Some(entry),
            started: Instant::now(),
            buffer: self.buffer.clone(),
            room,
        })))
    }

    fn refused(&self, asked: &Asked<'_>, refusal: &Refusal) {
        let mut entry = self.entry(asked);
        entry.is_allowed = false;
        entry.outcome = match refusal {
            Refusal::Limited { .. } => "limited",
            Refusal::Unable(_) => "unable",
            Refusal::Hidden => "unknown",
            Refusal::Unauthenticated(_) | Refusal::Forbidden(_) => "refused",
        };
        entry.reason = Some(short(&refusal.to_string()));
        self.buffer.push(entry);
    }

    /// Whoever did not come in has no other record, and who signs in at a page asks for nothing with it.
    fn over(&self, record: &Record) {
        let status = record.status();
        let is_in = record.signs_in() && record.has_entered();
        if !is_in && (record.has_entered() || !matches!(status, 401 | 403)) {
            return;
        }
        let at = SystemTime::now();
        if status == 401 && !self.is_told(at) {
            return self.buffer.count_refusal();
        }
        let path = record.path.as_ref();
        self.buffer.push(Box::new(Entry {
            at,
            request_id: record.id().clone(),
            address: record.address,
            trace_id: None,
            principal: record.subject().cloned(),
            key: record.key().cloned(),
            what: What::Enter {
                instance: record.instance.clone(),
                path: path.map(|(method, path)| short(&format!("{method} {path}"))),
            },
            is_allowed: is_in,
            outcome: if is_in { "ok" } else { "refused" },
            reason: None,
            error: None,
            status: Some(status),
            upstream: None,
            took: None,
            bytes: None,
            revision: None,
            external: None,
            arguments: None,
        }));
    }
}

/// What makes work or gives something away; lists and streams are what somebody may see.
fn is_call(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsCall
            | Method::ResourcesRead
            | Method::PromptsGet
            | Method::CompletionComplete
            | Method::TasksCancel
            | Method::TasksUpdate
    )
}

/// What is posted and changes nothing.
fn is_reading(path: &str) -> bool {
    let path = path.trim_start_matches('/');
    path == "plan" || path == "access/explain"
}

fn what(action: &Action<'_>) -> What {
    match action {
        Action::Mcp {
            instance,
            method,
            target,
            ..
        } => What::Mcp {
            instance: (*instance).clone(),
            method: *method,
            target: target.map(short),
        },
        Action::Admin { verb, path } => What::Admin {
            // A part of the path, or all of it.
            action: short(&verb.of_admin(path)).into(),
            path: short(path),
        },
    }
}

impl Held for Open {
    fn answered(&mut self, answer: &Answer<'_>) {
        let Some(entry) = &mut self.entry else { return };
        let trace = answer.trace;
        let external = trace.external;
        entry.is_allowed = !trace.is_refused
            && answer.status != StatusCode::FORBIDDEN
            && external.is_none_or(Verdict::is_allowed);
        entry.external = external.map(Verdict::as_str);
        entry.outcome = match trace.outcome {
            _ if external == Some(Verdict::FailedClosed) => "unable",
            _ if external == Some(Verdict::Refused) => "refused",
            _ if !entry.is_allowed && trace.error.is_some() => "unknown",
            _ if !entry.is_allowed => "refused",
            Some(outcome) => outcome.as_str(),
            None if trace.error.is_some() || !answer.status.is_success() => "error",
            None => "ok",
        };
        entry.error = trace.error;
        entry.status = Some(answer.status.as_u16());
        entry.upstream = trace.upstream_status;
        entry.bytes = answer.bytes;
        entry.revision = answer.revision.or(trace.definition);
        entry.took = Some(self.started.elapsed());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else {
            return;
        };
        entry.took.get_or_insert_with(|| self.started.elapsed());
        match self.room.take() {
            Some(room) => room.fill(entry),
            None => self.buffer.push(entry),
        }
    }
}
