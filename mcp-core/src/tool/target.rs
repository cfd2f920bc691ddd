//! What a call of a tool leads to. Each target has a wing of its own in the engine (`engine::dispatch`); listing, schemas,
//! overrides and examples know the tool only.

use super::{Call, InputSchema, Signature, StaticAnswer, ToolCompiler, UsedVar, http::literal_credentials};
use mcp_common::{
    definition::{ToolDefinition, tool::TargetDefinition},
    problem::Problem,
};
use std::sync::Arc;

/// What a call leads to, compiled. Shared with what instances make of the tool.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// An HTTP request.
    Http(Arc<Call>),
    /// An answer that the definition holds.
    Static(Arc<StaticAnswer>),
}

impl Target {
    /// Compiles as much as can be, and reports the rest.
    pub(super) fn compile(
        definition: &ToolDefinition,
        input: &InputSchema,
        signature: &Arc<Signature>,
        compiler: &ToolCompiler,
        (problems, warnings): (&mut Vec<Problem>, &mut Vec<String>),
    ) -> Option<Self> {
        match definition.target() {
            Ok(TargetDefinition::Http(binding)) => {
                warnings.extend(literal_credentials(binding));
                let call = Call::compile(
                    definition, binding, input, signature, compiler, problems, warnings,
                );
                call.map(|call| Self::Http(Arc::new(call)))
            }
            Ok(TargetDefinition::Static(answer)) => {
                let answer = StaticAnswer::compile(answer, signature, problems);
                answer.map(|answer| Self::Static(Arc::new(answer)))
            }
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    /// What its templates need of an instance.
    pub(super) fn used_vars(&self) -> impl Iterator<Item = &UsedVar> {
        let call = match self {
            Self::Http(call) => Some(call),
            Self::Static(_) => None,
        };
        call.into_iter().flat_map(|call| call.used_vars())
    }

    /// How many calls may be under way at once.
    pub(super) fn concurrency(&self) -> Option<usize> {
        match self {
            Self::Http(call) => call.delivery.as_ref()?.concurrency,
            Self::Static(_) => None,
        }
    }

    /// Whether calls share something that they change.
    pub(super) fn has_state(&self) -> bool {
        match self {
            Self::Http(call) => call
                .delivery
                .as_ref()
                .is_some_and(|delivery| delivery.concurrency.is_some() || delivery.retry.is_some()),
            Self::Static(_) => false,
        }
    }

    /// The HTTP service that is called.
    pub(super) fn upstream(&self) -> Option<&Arc<str>> {
        match self {
            Self::Http(call) => call.upstream(),
            Self::Static(_) => None,
        }
    }

    /// Whether there is no call without the argument, though the schema may not say so.
    pub(super) fn requires(&self, group: Option<&str>, name: &str) -> bool {
        match self {
            Self::Http(call) => call.requires(group, name),
            Self::Static(_) => false,
        }
    }

    /// What may be missing before the first call, or be mended by then.
    pub(super) fn warnings(&self, compiler: &ToolCompiler) -> Vec<String> {
        match self {
            Self::Http(call) => {
                let base = compiler.missing_base(call).into_iter().collect();
                [
                    compiler.missing_secrets(call),
                    compiler.idle_transport(call),
                    base,
                ]
                .concat()
            }
            Self::Static(_) => Vec::new(),
        }
    }
}
