//! A plan with everything that can be said of it, for people: all problems at once, every placement, and the request
//! as far as it can be made.

use super::{ArgumentProblem, Placement, trace};
use crate::{
    engine::{
        CallContext, Here,
        arguments::arguments_text,
        failure::Failure,
        http::build::{arguments::Arguments, build, leaf::Scope},
        is_heavy,
    },
    json::strict_value,
    tool::{Call, Effort, findings},
};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

/// More of them are the same mistake again.
const MOST_PROBLEMS: usize = 100;

/// What can be said before a call.
pub(crate) struct Seen {
    pub(crate) problems: Vec<ArgumentProblem>,
    pub(crate) placements: Vec<Placement>,
    /// The request, also of arguments that do not fit the schema, if they can be placed; a call would not send it then.
    pub(crate) request: Option<Request<Full<Bytes>>>,
}

/// `is_guarded`: whether the instance hides arguments.
pub(crate) fn see(call: &Call, context: &CallContext<'_>, is_guarded: bool, max_request_bytes: u64) -> Seen {
    let json = arguments_text(context);
    let mut problems = Vec::new();
    let (arguments, fits) = read(call, json, &mut problems);
    let Some(mut arguments) = arguments else {
        return Seen {
            problems,
            placements: Vec::new(),
            request: None,
        };
    };
    arguments.is_guarded = is_guarded;
    let here = Here(Effort::Full);
    let scope = Scope::new(call, context, &arguments, json, max_request_bytes, &here);
    let placements = trace::trace(call, &arguments, &scope);
    let request = match build(call, &arguments, &scope, max_request_bytes) {
        Ok(request) => Some(request),
        Err(failure) => {
            // What the schema said already is not said again in other words.
            let is_new = |new: &ArgumentProblem| fits || problems.iter().all(|known| known.path != new.path);
            let new: Vec<_> = failure.into_problems().into_iter().filter(is_new).collect();
            problems.extend(new);
            None
        }
    };
    Seen {
        problems,
        placements,
        request,
    }
}

/// The arguments, checked and sorted; whether they fit the schema.
fn read<'a>(
    call: &Call,
    json: &'a str,
    problems: &mut Vec<ArgumentProblem>,
) -> (Option<Arguments<'a>>, bool) {
    let mut arguments = match Arguments::read(call, json) {
        Ok(arguments) => arguments,
        Err(failure) => {
            problems.extend(failure.into_problems());
            return (None, false);
        }
    };
    if let Some(validator) = &call.signature.validator {
        let is_bounded = validator.is_bounded(json) && !is_heavy(&[json]);
        match is_bounded.then(|| strict_value::read(json)).transpose() {
            Ok(None) => {
                let reason =
                    "is not checked here: that may take too long with the tool's schema. A call checks it";
                problems.push(ArgumentProblem::whole(reason));
            }
            Ok(Some(value)) => {
                let found = findings(validator, &value, MOST_PROBLEMS).into_iter();
                problems.extend(found.map(|(path, reason)| ArgumentProblem { path, reason }));
            }
            Err(error) => {
                let failure = Failure::argument("(root)", &mcp_common::json::reason(&error));
                problems.extend(failure.into_problems());
            }
        }
    }
    let fits = problems.is_empty();
    let checked = arguments.sort(call).and_then(|()| arguments.check_required(call));
    if let Err(failure) = checked {
        let found = failure.into_problems();
        let new: Vec<_> = found
            .into_iter()
            .filter(|new| problems.iter().all(|known| known.path != new.path))
            .collect();
        problems.extend(new);
    }
    (Some(arguments), fits)
}
