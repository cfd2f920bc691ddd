//! How answers of another server's tool are shaped (`output`), compiled: the same parts as `response` of a definition.

use super::{InputSchema, Member, ResponseShape, ToolCompiler, Transport, example, instance_names::var};
use mcp_common::{
    definition::{
        InstanceDefinition, UpstreamDefinition,
        tool::{ResponseBinding, ResponseFormat},
        upstream::{RemoteOutput, UpstreamProtocol},
    },
    problem::{Problem, Problems},
};
use moka::sync::Cache;
use std::{fmt, sync::Arc};

/// How many are kept compiled at the most; others are compiled again when a view is made.
const MOST: u64 = 10_000;

/// What an `output` says, ready for use.
#[derive(Debug)]
pub(crate) struct RemoteShape {
    /// `None` where only the size is bounded.
    pub(crate) response: Option<ResponseShape>,
    /// How many bytes of text, and of structured content, an answer has.
    pub(crate) max_bytes: Option<usize>,
}

impl RemoteShape {
    /// Whether structured content is another one than the server's, so that its `outputSchema` says nothing about it.
    pub(crate) fn restructures(&self) -> bool {
        self.response
            .as_ref()
            .is_some_and(|response| response.jq.is_some())
    }
}

/// Outputs by what they say, compiled. Clones share them.
#[derive(Clone)]
pub(crate) struct RemoteShapes(Cache<Arc<RemoteOutput>, Arc<RemoteShape>>);

impl Default for RemoteShapes {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl fmt::Debug for RemoteShapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteShapes")
            .field(&self.0.entry_count())
            .finish()
    }
}

impl ToolCompiler {
    /// Compiled when the document was checked, as a rule. `field` is where it stands.
    pub(crate) fn remote_shape(
        &self,
        field: &str,
        output: &Arc<RemoteOutput>,
    ) -> Result<Arc<RemoteShape>, Problems> {
        if let Some(known) = self.remote_shapes.0.get(output) {
            return Ok(known);
        }
        let mut problems = Vec::new();
        let shape = self.compile_output(field, output, &mut problems);
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let shape = Arc::new(shape);
        self.remote_shapes.0.insert(output.clone(), shape.clone());
        Ok(shape)
    }

    fn compile_output(&self, field: &str, output: &RemoteOutput, problems: &mut Vec<Problem>) -> RemoteShape {
        let RemoteOutput {
            jq,
            template,
            max_bytes,
        } = output;
        let max_bytes = max_bytes.map(|size| size.as_usize());
        if max_bytes == Some(0) {
            problems.push(Problem::at(format!("{field}.max_bytes"), "must be at least 1"));
        }
        let response = (jq.is_some() || template.is_some()).then(|| {
            let binding = ResponseBinding {
                format: match jq {
                    Some(_) => ResponseFormat::Json,
                    None => ResponseFormat::Auto,
                },
                jq: jq.as_deref().map(str::to_owned),
                template: template.as_deref().map(str::to_owned),
                max_bytes: output.max_bytes,
                ..ResponseBinding::default()
            };
            // What the server takes is known when it is there.
            let input = InputSchema::unread();
            let place = (Member::Output, field);
            ResponseShape::compile(place, &binding, false, &input, self, problems)
        });
        if let Some(header) = response
            .as_ref()
            .and_then(|response| response.templates.headers().next())
        {
            let reason = format!(
                "names the header `{header}` of the client's request, which answers of upstreams' tools cannot"
            );
            problems.push(Problem::at(format!("{field}.template"), reason));
        }
        RemoteShape { response, max_bytes }
    }

    /// What only a compiler sees of the document of an upstream: its connections, the answers of its tools, their examples.
    pub(super) fn check_upstream(&self, definition: &UpstreamDefinition) -> Vec<Problem> {
        let mut problems = Vec::new();
        if definition.protocol == UpstreamProtocol::Mcp {
            Transport::of_upstream(definition, &mut problems);
        }
        for (name, said) in &definition.tools.overrides {
            let field = format!("tools.overrides.{name}");
            if let Some(output) = &said.output {
                let place = format!("{field}.output");
                match self.remote_shape(&place, output) {
                    Ok(shape) => problems.extend(unknown_vars(&shape, &place, None)),
                    Err(found) => problems.extend(found.0),
                }
            }
            for (index, expect) in said.examples.iter().map(|example| &example.expect).enumerate() {
                if let Some(expect) = expect {
                    let place = format!("{field}.examples[{index}]");
                    example::expectation(&place, expect, &self.bounds, &mut problems);
                }
            }
        }
        problems
    }

    /// What an instance says about answers of tools of upstreams.
    pub(super) fn check_outputs(&self, instance: &InstanceDefinition) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, reference) in instance.tool_ids.iter().enumerate() {
            let Some(output) = &reference.output else { continue };
            let place = format!("tool_ids[{index}].output");
            match self.remote_shape(&place, output) {
                Ok(shape) => problems.extend(unknown_vars(&shape, &place, Some(instance))),
                Err(found) => problems.extend(found.0),
            }
        }
        problems
    }
}

/// What a template names of an instance that does not have it. The document of an upstream is of no instance.
fn unknown_vars(shape: &RemoteShape, place: &str, instance: Option<&InstanceDefinition>) -> Vec<Problem> {
    let used = shape
        .response
        .iter()
        .flat_map(|response| &response.templates.vars);
    let missing = used.filter(|used| instance.is_none_or(|it| var(&it.vars, &used.path).is_none()));
    missing
        .map(|used| {
            let name = used.path.join(".");
            let reason = match instance {
                Some(_) => format!("names `instance.vars.{name}`, which this instance does not have in `vars`"),
                None => format!(
                    "names `instance.vars.{name}`, but which instance that is says only the instance: give it the `output`, in `tool_ids`"
                ),
            };
            Problem::at(format!("{place}.template"), reason)
        })
        .collect()
}
