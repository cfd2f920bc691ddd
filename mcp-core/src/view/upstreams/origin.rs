//! What answers requests for things of upstreams: the upstream, whose words are understood and passed on.

use super::{connecting::Connecting, finished::Finishing, rounds};
use crate::{
    engine::{CallContext, Engine, RemoteShaping},
    json::members::Members,
    relay::{Answer, Forwarded, Line, Origin, Trouble, Updates, Watch},
    spans::Attribute,
    spec::Method,
    tool::{InstanceNames, RemoteArguments},
    upstream::{Caller, Hub, RemoteCall, RemoteTool, RpcError, UpstreamError, Wanted},
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mcp_common::{
    authenticator::{CommonLimits, Principal},
    definition::UpstreamDefinition,
};
use serde_json::{json, value::RawValue};
use std::{borrow::Cow, slice, sync::Arc, time::Instant};

/// The JSON-RPC error of parameters that do not fit: the client's own matter, whoever found it out.
const INVALID_PARAMS: i64 = -32602;
/// There is no such resource (before 2026-07-28).
const NOT_FOUND: i64 = -32002;
/// The client did not declare what the request needs (2026-07-28).
const MISSING_CAPABILITY: i64 = -32021;

/// The client has to open pages before it makes the request again (2025-11-25).
const NEEDS_PAGES: i64 = -32042;

/// One thing of an upstream, or all of its resources.
pub(super) struct RemoteOrigin {
    pub(super) hub: Arc<Hub>,
    pub(super) upstream: Arc<str>,
    pub(super) what: What,
    /// What all callers together may ask of the upstream.
    pub(super) limits: Option<Arc<CommonLimits>>,
    /// Where large answers are worked on.
    pub(super) engine: Engine,
}

/// What there is of an upstream that can be asked for.
#[derive(Clone)]
pub(super) enum What {
    /// A tool.
    Tool(Arc<Shown>),
    /// A prompt by the name that the server gives it.
    Prompt(Arc<str>),
    /// Any of its resources and templates.
    Resources,
    /// Any of its tasks.
    Tasks,
}

/// A tool as an instance shows it.
pub(super) struct Shown {
    pub(super) tool: Arc<RemoteTool>,
    /// The upstream's document.
    pub(super) definition: Arc<UpstreamDefinition>,
    /// What the instance says about its arguments.
    pub(super) arguments: Option<RemoteArguments>,
    /// How its answers are shaped.
    pub(super) shaping: Option<Arc<RemoteShaping>>,
    /// What of the instance templates may name, where there are any.
    pub(super) names: Option<InstanceNames>,
    /// The same tool of other upstreams, which are asked where this one cannot be.
    pub(super) stand_ins: Box<[(Arc<str>, Arc<RemoteTool>)]>,
}

/// Other upstreams that a call may go to, each once.
struct StandIns<'a> {
    rest: slice::Iter<'a, (Arc<str>, Arc<RemoteTool>)>,
    only_reads: bool,
    /// The time of the call.
    until: Instant,
}

impl<'a> StandIns<'a> {
    fn has_more(&self) -> bool {
        !self.rest.as_slice().is_empty()
    }

    fn next_after(&mut self, error: &UpstreamError) -> Option<&'a (Arc<str>, Arc<RemoteTool>)> {
        let may_go_on = error.means_stand_in(self.only_reads) && Instant::now() < self.until;
        may_go_on.then(|| self.rest.next()).flatten()
    }
}

impl Origin for RemoteOrigin {
    fn answer(
        self: Arc<Self>,
        request: Forwarded,
        line: Line,
    ) -> BoxFuture<'static, Result<Answer, Trouble>> {
        Box::pin(async move { self.pass_on(request, line).await })
    }

    fn limits(&self) -> Option<&Arc<CommonLimits>> {
        self.limits.as_ref()
    }

    fn watch(self: Arc<Self>, uri: Arc<str>, updates: Arc<Updates>) -> BoxFuture<'static, Option<Watch>> {
        Box::pin(async move {
            let watching = self.hub.watch(&self.upstream, &uri, updates).await?;
            Some(Box::new(watching) as Watch)
        })
    }
}

impl RemoteOrigin {
    async fn pass_on(&self, request: Forwarded, line: Line) -> Result<Answer, Trouble> {
        let mut upstream = &self.upstream;
        let mut wanted = match (&self.what, request.method) {
            (What::Tool(shown), Method::ToolsCall) => Wanted::Tool(shown.tool.clone()),
            (What::Prompt(name), Method::PromptsGet) => Wanted::Prompt(name.clone()),
            (What::Prompt(name), Method::CompletionComplete) => Wanted::PromptCompletion(name.clone()),
            (What::Resources, Method::ResourcesRead) => Wanted::Resource,
            (What::Resources, Method::CompletionComplete) => Wanted::TemplateCompletion,
            (What::Tasks, method @ (Method::TasksGet | Method::TasksUpdate | Method::TasksCancel)) => {
                Wanted::Task(method)
            }
            (_, method) => {
                let method = method.name();
                return Err(Trouble::Failed(format!(
                    "The upstream `{upstream}` offers this, but not for `{method}`."
                )));
            }
        };
        let is_resource = matches!(wanted, Wanted::Resource);
        let may_ask = matches!(wanted, Wanted::Tool(_) | Wanted::Prompt(_) | Wanted::Resource);
        let connecting = Connecting::of(&self.hub, upstream, &request.principal);
        let sent = connecting.answered(request.params.get()).await?;
        let first = self.params(&sent)?;
        let mut params = first.clone();
        let mut stand_ins = self.stand_ins();
        let mut round = 0;
        loop {
            let mut span = request.above.as_ref().and_then(|above| above.open());
            if let Some(span) = span.as_mut().filter(|span| span.is_sampled()) {
                let method = request.method.name();
                span.named(method);
                span.with("mcp.method.name", Attribute::text(method));
                span.with("dynmcp.upstream", Attribute::text(upstream.to_string()));
            }
            let call = RemoteCall {
                wanted: wanted.clone(),
                params: params.clone(),
                via: request.via.clone(),
                trace: span.iter().flat_map(|span| span.headers()).collect(),
                line: Some(line.clone()),
                caller: Some(caller(&request)),
                principal: request
                    .principal
                    .known_subject()
                    .map(|_| request.principal.subject.clone()),
                owner: connecting.owner().cloned(),
                token: request
                    .principal
                    .grant
                    .as_ref()
                    .and_then(|grant| grant.token().cloned()),
            };
            let answered = self.hub.call(upstream, call).await;
            if let (Some(span), Err(error)) = (&mut span, &answered) {
                span.failed(match error {
                    UpstreamError::Rpc(error) => error.code.to_string().into(),
                    _ => Cow::Borrowed("upstream"),
                });
            }
            drop(span);
            // Who has begun to ask for input knows what was asked before.
            if let Err(error) = &answered
                && round == 0
                && stand_ins.has_more()
                && !goes_on(&first)
                && let Some(next) = stand_ins.next_after(error)
            {
                let (from, to) = (&**upstream, &*next.0);
                tracing::debug!(upstream = from, to, %error, "a call goes on to an upstream that stands in");
                upstream = &next.0;
                wanted = Wanted::Tool(next.1.clone());
                continue;
            }
            let answer = match answered {
                Ok(result) => {
                    let answer = self.read(result).await?;
                    let answer = self.finished(answer, &first, &request).await?;
                    answer.kept_by(upstream, matches!(self.what, What::Tasks))
                }
                Err(UpstreamError::NoGrant(reason)) => {
                    // What a client answers goes to the first one.
                    let may_ask = may_ask && Arc::ptr_eq(upstream, &self.upstream);
                    let connecting = Connecting::of(&self.hub, upstream, &request.principal);
                    connecting.asked(&reason, &line, may_ask)?
                }
                Err(error) => match self.asking(&error, &line) {
                    Some(answer) => answer,
                    None => return Err(self.trouble(error, is_resource, &line)),
                },
            };
            if answer.asks_for_input() && request.is_modern && !Arc::ptr_eq(upstream, &self.upstream) {
                // What the client answers would go to the first one, which knows nothing of it.
                return Err(Trouble::Failed(format!(
                    "The upstream `{}` cannot be called now, and `{upstream}`, which stands in for it, asks for input. Try again later.",
                    self.upstream
                )));
            }
            if !answer.asks_for_input() || request.is_modern {
                return Ok(answer);
            }
            if round == rounds::MOST {
                break;
            }
            // Boxed, as all that few calls need, so that the others have no room for it.
            params = Box::pin(rounds::next(&first, &answer, &line)).await?;
            round += 1;
        }
        Err(Trouble::Failed(format!(
            "The upstream `{upstream}` asked for input more than {} times.",
            rounds::MOST
        )))
    }

    fn stand_ins(&self) -> StandIns<'_> {
        match &self.what {
            What::Tool(shown) => StandIns {
                rest: shown.stand_ins.iter(),
                only_reads: shown.tool.only_reads,
                until: Instant::now() + shown.definition.timeouts.call(),
            },
            What::Prompt(_) | What::Resources | What::Tasks => StandIns {
                rest: slice::Iter::default(),
                only_reads: false,
                until: Instant::now(),
            },
        }
    }

    async fn read(&self, result: Bytes) -> Result<Answer, Trouble> {
        let unfit = |error: serde_json::Error| {
            Trouble::Failed(format!(
                "The upstream `{}` answered with what is no result: {error}.",
                self.upstream
            ))
        };
        let read = self.engine.aside(result.len(), &self.upstream, move || {
            let raw: &RawValue = serde_json::from_slice(&result)?;
            Answer::read(raw)
        });
        match read.await {
            Ok(read) => read.map_err(unfit),
            Err(failure) => Err(Trouble::Failed(format!(
                "The upstream `{}` answered, and its answer could not be worked on: {}",
                self.upstream,
                failure.text()
            ))),
        }
    }

    /// A tool's result as clients get it.
    async fn finished(&self, answer: Answer, params: &str, request: &Forwarded) -> Result<Answer, Trouble> {
        let What::Tool(shown) = &self.what else {
            return Ok(answer);
        };
        let finishing = Finishing {
            hub: &self.hub,
            engine: &self.engine,
            definition: &shown.definition,
            tool: &shown.tool,
            shaping: shown.shaping.as_ref(),
        };
        let Some(names) = &shown.names else {
            return Ok(finishing.within_bounds(answer).await);
        };
        let members = Members::read(params).map_err(Trouble::Invalid)?;
        let context = CallContext {
            instance: names,
            principal: &request.principal,
            arguments: members.get("arguments"),
            headers: None,
        };
        Ok(finishing.finished(answer, &context).await)
    }

    /// Pages that are to be opened before the request is made again, for a client that is asked by results.
    fn asking(&self, error: &UpstreamError, line: &Line) -> Option<Answer> {
        let UpstreamError::Rpc(error) = error else {
            return None;
        };
        if error.code != NEEDS_PAGES || !line.asks_by_results() || !line.client().opens_pages() {
            return None;
        }
        let data: serde_json::Value = serde_json::from_str(error.data.as_ref()?.get()).ok()?;
        let pages = data.get("elicitations")?.as_array()?.iter().enumerate();
        let requests: serde_json::Map<_, _> = pages
            .map(|(number, page)| {
                let params = json!({"mode": "url", "message": page["message"], "url": page["url"]});
                let request = json!({"method": "elicitation/create", "params": params});
                (format!("page-{}", number + 1), request)
            })
            .collect();
        (!requests.is_empty()).then(|| Answer::asking(&requests.into()))
    }

    /// The client's parameters, with the arguments that the instance gives.
    fn params(&self, sent: &str) -> Result<Arc<str>, Trouble> {
        let own = match &self.what {
            What::Tool(shown) => shown.arguments.as_ref(),
            What::Prompt(_) | What::Resources | What::Tasks => None,
        };
        let Some(own) = own else {
            return Ok(sent.into());
        };
        let members = Members::read(sent).map_err(Trouble::Invalid)?;
        let given = members.get("arguments").map_or("{}", RawValue::get);
        let given = if given == "null" { "{}" } else { given };
        let arguments = own.complete(given).map_err(Trouble::Unsent)?;
        let mut out = format!("{{\"arguments\":{arguments}");
        for (name, value) in members.iter().filter(|(name, _)| *name != "arguments") {
            out.extend([",", &*json!(name).to_string(), ":", value.get()]);
        }
        out.push('}');
        Ok(out.into())
    }

    fn trouble(&self, error: UpstreamError, is_resource: bool, line: &Line) -> Trouble {
        match error {
            UpstreamError::Rpc(error) if is_resource && is_not_found(&error) => Trouble::NotFound,
            UpstreamError::Stale(reason) => Trouble::Invalid(format!("params.requestState: {reason}")),
            UpstreamError::Rpc(error) if error.code == INVALID_PARAMS => Trouble::Invalid(error.message),
            UpstreamError::Rpc(RpcError {
                code: MISSING_CAPABILITY,
                message,
                data: Some(data),
            }) => Trouble::Unable { message, data },
            UpstreamError::Rpc(RpcError {
                code: NEEDS_PAGES,
                message,
                data: Some(data),
            }) if !line.asks_by_results() && line.client().opens_pages() => {
                Trouble::NeedsPages { message, data }
            }
            UpstreamError::Rpc(error) if error.code == NEEDS_PAGES => Trouble::Failed(format!(
                "The upstream `{}` wants pages to be opened first, which the client did not say that it does: {}{}",
                self.upstream,
                error.message,
                pages(&error)
            )),
            error => {
                let text = format!("The upstream `{}` did not do it: {error}.", self.upstream);
                match error.is_unsent() {
                    true => Trouble::Unsent(text),
                    false => Trouble::Failed(text),
                }
            }
        }
    }
}

/// Whether they go on with a call: that is for the server that asked.
fn goes_on(params: &str) -> bool {
    Members::read(params)
        .is_ok_and(|sent| sent.get("requestState").is_some() || sent.get("inputResponses").is_some())
}

/// Those who need no name are told apart by where they come from.
fn caller(request: &Forwarded) -> Caller {
    let mut name = format!("{} {}", request.instance, request.principal.subject);
    if let Some(address) = request.peer.address()
        && *request.principal.subject == *Principal::anonymous().subject
    {
        name.push_str(&format!(" {address}"));
    }
    Caller {
        session: request.session.clone(),
        name: name.into(),
    }
}

/// Their addresses, for people.
fn pages(error: &RpcError) -> String {
    let data = error.data.as_deref();
    let data: Option<serde_json::Value> = data.and_then(|data| serde_json::from_str(data.get()).ok());
    let pages = data.as_ref().and_then(|data| data["elicitations"].as_array());
    let urls = pages
        .into_iter()
        .flatten()
        .filter_map(|page| page["url"].as_str());
    urls.fold(String::new(), |text, url| text + " " + url)
}

fn is_not_found(error: &RpcError) -> bool {
    let names_uri = |data: &RawValue| {
        let data: Option<serde_json::Value> = serde_json::from_str(data.get()).ok();
        data.is_some_and(|data| data.get("uri").is_some())
    };
    error.code == NOT_FOUND || (error.code == INVALID_PARAMS && error.data.as_deref().is_some_and(names_uri))
}
