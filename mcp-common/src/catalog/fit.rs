//! Whether a tool goes with what an instance says about it.

use super::{
    Compile,
    entry::{Overridden, Selection, ToolEntry},
};
use crate::{
    definition::{
        InstanceDefinition,
        instance::{ToolOverrides, ToolReference},
    },
    key::Key,
    problem::{Problem, Problems},
    safe_mode::Subject,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// What fits a tool to one instance.
pub(super) struct Fit<'a, C: Compile> {
    pub(super) compiler: &'a C,
    pub(super) instance: &'a InstanceDefinition,
    /// What the instance has now. What did not change since then is taken over.
    pub(super) now: Option<&'a Selection<C::Tool>>,
}

impl<C: Compile> Fit<'_, C> {
    /// `entry` is what `tool_ids` says, and its place there. Problems name places of the instance's document.
    pub(super) fn tool(
        &self,
        tool: &Arc<ToolEntry<C::Tool>>,
        entry: Option<(usize, &ToolReference)>,
    ) -> Result<Option<Overridden<C::Tool>>, Problems> {
        self.compiler.check_needs(tool, self.instance)?;
        let said = entry.and_then(|(index, reference)| Some((index, reference.overrides.as_ref()?)));
        let Some((index, overrides)) = said else {
            return Ok(None);
        };
        if let Some(same) = self.unchanged(tool, overrides) {
            return Ok(Some(same.clone()));
        }
        // A compiler that panics on one entry must not stop the others from being served.
        let compile = || self.compile(tool, overrides);
        let compiled = catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|_| {
            let reason =
                "fitting it to the tool ended in an internal error of the gateway; please report both";
            Err(Problem::whole(reason).into())
        });
        match compiled {
            Ok(compiled) => Ok(Some(Overridden {
                overrides: overrides.clone(),
                compiled: Arc::new(compiled),
            })),
            Err(Problems(problems)) => {
                let at = |problem: Problem| {
                    let place = format!("tool_ids[{index}]");
                    let field = match problem.field.as_str() {
                        "" => place,
                        inner => format!("{place}.{inner}"),
                    };
                    Problem::at(field, problem.reason)
                };
                Err(Problems(problems.into_iter().map(at).collect()))
            }
        }
    }

    fn compile(
        &self,
        tool: &Arc<ToolEntry<C::Tool>>,
        overrides: &Arc<ToolOverrides>,
    ) -> Result<C::Tool, Problems> {
        let compile = || self.compiler.with_overrides(tool, overrides);
        let Some(safe_mode) = self.compiler.safe_mode() else {
            return compile();
        };
        safe_mode.guard(&overridden(tool, overrides), None, compile)?
    }

    fn unchanged(
        &self,
        tool: &Arc<ToolEntry<C::Tool>>,
        overrides: &ToolOverrides,
    ) -> Option<&Overridden<C::Tool>> {
        let known = self
            .now?
            .tools
            .iter()
            .filter(|known| Arc::ptr_eq(&known.tool, tool));
        let mut known = known.filter_map(|known| known.overridden.as_ref());
        known.find(|known| *known.overrides == *overrides)
    }
}

/// What is compiled where an instance says something about a tool.
pub fn overridden<T>(tool: &ToolEntry<T>, overrides: &ToolOverrides) -> Subject {
    let said = format!("{overrides:?}");
    let texts = [tool.document.as_json().as_bytes(), said.as_bytes()];
    Subject::new(Key::tool(tool.id.clone()), &texts)
}
