//! What of a call has limits that all callers share.

use crate::{
    protocol::params::{Asked, Completed},
    view::InstanceView,
};
use mcp_common::authenticator::CommonLimits;
use std::sync::Arc;

/// Those that hold for what is asked for, the narrowest first. What the caller does not see has those of the instance alone.
pub(super) fn of(view: &InstanceView, asked: &Asked<'_>, target: Option<&str>) -> Vec<Arc<CommonLimits>> {
    let target = target.unwrap_or_default();
    let of_prompt = |name: &str| view.prompt(name)?.limits().cloned();
    let of_thing = match asked {
        Asked::CallTool(_) => return view.limits_of(target).cloned().collect(),
        Asked::ReadResource(_) => view.limits_of_resource(target),
        Asked::GetPrompt(_) => of_prompt(target),
        Asked::Complete(params) => match params.completed() {
            Some(Completed::Prompt { name }) => of_prompt(&name),
            Some(Completed::Template { uri }) => {
                let template = view.template(&uri);
                template.and_then(|origin| origin.limits().cloned())
            }
            None => None,
        },
        _ => return Vec::new(),
    };
    of_thing.into_iter().chain(view.limits.clone()).collect()
}
