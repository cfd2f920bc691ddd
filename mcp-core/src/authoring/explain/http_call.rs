//! What a call of an HTTP tool sends.

use super::{
    ExplainedTarget, ExplainedUpstream, Explanation, credential, curl, egress, given, limits,
    outline::Outline, seen,
};
use crate::{
    engine::{ArgumentProblem, CallContext, Engine, Here, complete, completed, http::deliver, without_nulls},
    tool::{Base, Call, Callable, Effort, PathPart},
};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use std::sync::Arc;

impl Engine {
    pub(super) async fn explain_http(
        &self,
        Callable { tool, state }: Callable<'_>,
        call: &Arc<Call>,
        context: CallContext<'_>,
        send: bool,
    ) -> Explanation {
        let overridden = tool.overridden.as_deref();
        let given = without_nulls(&tool.signature, overridden, &context);
        let context = CallContext {
            arguments: given.as_deref().or(context.arguments),
            ..context
        };
        let completed = completed(&tool.signature, overridden, &context, &Here(Effort::Full));
        let (completed, mut unfit) = match completed {
            Ok(completed) => (completed, Vec::new()),
            Err(failure) => (None, failure.into_problems()),
        };
        let overridden = tool.overridden.as_ref().filter(|_| unfit.is_empty());
        let added = overridden.map(|overridden| complete::added(overridden, context.arguments));
        let context = CallContext {
            arguments: completed.as_deref().or(context.arguments),
            ..context
        };
        let is_guarded = tool
            .overridden
            .as_ref()
            .is_some_and(|overridden| !overridden.hidden.is_empty());
        let seen::Seen {
            mut problems,
            mut placements,
            mut request,
        } = seen::see(call, &context, is_guarded, self.max_request_bytes(call));
        // What the instance refuses comes first; what it would have added may be all that is missing then.
        if !unfit.is_empty() {
            problems.clear();
            problems.append(&mut unfit);
        }
        if let Some(request) = &mut request {
            self.name_gateway(request, &context);
            // A call makes it when it is sent. Made here, what is shown is what is sent.
            if let Err(failure) = deliver::add_idempotency_key(call, request) {
                problems.extend(failure.into_problems());
            }
        }
        let base = call
            .delivery
            .as_ref()
            .map_or(Ok(None), |delivery| self.base(delivery));
        let base = base.unwrap_or_else(|failure| {
            problems.push(ArgumentProblem::whole(failure.reason()));
            None
        });
        let base = base.as_deref();
        given::tell(
            &mut placements,
            &added.unwrap_or_default(),
            call,
            context.instance,
        );
        placements.extend(credential::placement(call, base));
        let valid = problems.is_empty() && request.is_some();
        let outline = request
            .as_ref()
            .map(|request| Outline::of(call, base, &at_first(base, request)));
        let sent = match request {
            Some(request) if send && valid => Some(self.send_and_show((call, state), context, request).await),
            _ => None,
        };
        let instance = context.instance.id();
        Explanation {
            instance: (!instance.is_empty()).then(|| instance.to_owned()),
            target: ExplainedTarget::Http,
            method: Some(call.method.to_string()),
            upstream: call.upstream().map(|id| ExplainedUpstream::of(id, base)),
            endpoint: Some(endpoint(call, base)),
            valid,
            problems,
            request: outline.as_ref().map(Outline::shown),
            curl: outline.as_ref().map(curl::line),
            placements,
            limits: Some(limits::of(
                call,
                base,
                &self.settings,
                self.max_request_bytes(call),
            )),
            egress: Some(egress::verdict(call, base, &self.settings.egress).await),
            answer: None,
            sent,
        }
    }
}

/// The request as the first endpoint of a service gets it, but for its credential.
fn at_first(base: Option<&Base>, request: &Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let mut request = request.clone();
    if let Some(base) = base {
        base.dress_plainly(request.headers_mut());
        // What cannot be addressed is shown as the definition has it.
        let _ = base.origin(0).map(|origin| origin.address(&mut request));
    }
    request
}

/// The URL before it is filled.
fn endpoint(call: &Call, base: Option<&Base>) -> String {
    let origin = base.and_then(|base| base.origin(0)).unwrap_or(&call.origin);
    let mut out = format!(
        "{}://{}{}",
        origin.scheme,
        origin.authority,
        base.map_or("", |_| &origin.prefix)
    );
    for part in &call.path.parts {
        match part {
            PathPart::Literal(text) => out.push_str(text),
            PathPart::Placeholder(name) => out.extend(["{", name, "}"]),
            PathPart::Declared(number) => out.extend(["{", &call.params.path[*number].wire, "}"]),
        }
    }
    out
}
