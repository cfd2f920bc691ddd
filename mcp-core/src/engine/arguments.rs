//! A call's arguments before any target sees them: bounded, completed with what the instance gives, held to their schemas.

use super::{
    CallContext, Engine, complete,
    failure::Failure,
    lane::Owner,
    nulls::without_nulls,
    result::Outcome,
    work::{Stop, Work, is_heavy},
};
use crate::{
    json::text::Text,
    tool::{CompiledTool, Finding, Overridden, Schema, Signature, Verdict},
};
use mcp_common::bounds::Exceeded;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Values of a message that holds the arguments of a call: more than any client has been seen to send.
const AROUND: usize = 4_096;

impl Engine {
    /// Refuses a message with far more values than a call may have, before anything reads it: that alone would hold up the other
    /// calls of the worker.
    pub(crate) fn check_message(&self, message: &[u8]) -> Result<(), Exceeded> {
        self.settings.bounds.arguments().check_around(AROUND, message)
    }

    /// Refuses arguments of which much more would be made than they are.
    pub(crate) fn within_bounds(&self, arguments: Option<&RawValue>) -> Result<(), Failure> {
        let Some(arguments) = arguments else {
            return Ok(());
        };
        let bounds = self.settings.bounds.arguments();
        bounds
            .check_quickly(arguments.get().as_bytes())
            .map_err(|exceeded| {
                Failure::arguments(vec![Finding::whole(format!("What was sent {exceeded}."))])
            })
    }

    /// Whether it takes a moment only to complete and check these arguments.
    pub(super) fn is_quick(&self, tool: &CompiledTool, arguments: Option<&RawValue>) -> bool {
        let json = arguments.map_or("{}", RawValue::get);
        let overridden = tool.overridden.as_ref();
        let schemas = [
            tool.signature.validator.as_ref(),
            overridden.and_then(|overridden| overridden.validator.as_ref()),
        ];
        json.len() <= self.services.lane.settings().arguments_bytes
            && !is_heavy(&[json])
            && schemas.into_iter().flatten().all(|schema| schema.is_quick(json))
    }
}

/// The text of the arguments; clients that send none, or `null`, mean an empty object.
pub(crate) fn arguments_text<'a>(context: &CallContext<'a>) -> &'a str {
    let given = context.arguments.map(|raw| raw.get());
    given.filter(|json| *json != "null").unwrap_or("{}")
}

/// What the arguments' schema finds wrong with their text.
pub(crate) fn validate(schema: &Schema, text: Text<'_>, work: &dyn Work) -> Result<(), Failure> {
    match work.check(schema, text, false) {
        Ok(Verdict::Fits) => Ok(()),
        Ok(Verdict::Unreadable(reason)) => Err(Failure::argument("(root)", &reason)),
        Ok(Verdict::Unfit { findings, .. }) => Err(Failure::arguments(findings)),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Long) => Err(Failure::new(
            Outcome::InvalidArguments,
            "The arguments are not checked here: that may take too long with the tool's schema. A call checks them.",
        )),
    }
}

/// Whose turn it is where calls wait for each other: versions of a tool are told apart, instances are not.
pub(super) fn owner(signature: &Arc<Signature>) -> Owner {
    Owner {
        key: Arc::as_ptr(signature).addr(),
        name: signature.id.clone(),
    }
}

/// The arguments as the instance reads them, with what it gives; `None` where it says nothing about them.
pub(crate) fn completed(
    signature: &Signature,
    overridden: Option<&Overridden>,
    context: &CallContext<'_>,
    work: &dyn Work,
) -> Result<Option<Box<RawValue>>, Failure> {
    let given = without_nulls(signature, overridden, context);
    let Some(overridden) = overridden else {
        return Ok(given);
    };
    let arguments = given.as_deref().or(context.arguments);
    complete::complete(overridden, arguments, work).map(Some)
}
