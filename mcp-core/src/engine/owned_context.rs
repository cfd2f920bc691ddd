//! A call's context that goes to another thread.

use super::CallContext;
use crate::tool::InstanceNames;
use http::HeaderMap;
use mcp_common::authenticator::Principal;
use serde_json::value::RawValue;

/// A copy of all that a [`CallContext`] refers to.
#[derive(Debug)]
pub(super) struct OwnedContext {
    instance: InstanceNames,
    principal: Principal,
    arguments: Option<Box<RawValue>>,
    headers: Option<HeaderMap>,
}

impl OwnedContext {
    pub(super) fn of(context: &CallContext<'_>) -> Self {
        Self {
            instance: context.instance.clone(),
            principal: context.principal.clone(),
            arguments: context.arguments.map(RawValue::to_owned),
            headers: context.headers.cloned(),
        }
    }

    pub(super) fn borrow(&self) -> CallContext<'_> {
        CallContext {
            instance: &self.instance,
            principal: &self.principal,
            arguments: self.arguments.as_deref(),
            headers: self.headers.as_ref(),
        }
    }
}
