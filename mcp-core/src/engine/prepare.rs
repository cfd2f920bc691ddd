//! A tool that is called is compiled, or becomes so.

use super::{Engine, Failure, Outcome, lane::Owner};
use crate::tool::{CompiledTool, ShownTool, ToolCompiler};
use mcp_common::problem::Problems;
use std::sync::Arc;
use tokio::time::Instant;

/// What takes more memory, compiled, takes longer than a moment to compile.
const QUICK: u64 = 256 << 10;

impl Engine {
    /// The tool, compiled. What has given way to others is compiled again, beside the workers where it takes long.
    pub(crate) async fn prepared(
        &self,
        tool: &ShownTool,
        compiler: &ToolCompiler,
    ) -> Result<Arc<CompiledTool>, Failure> {
        if let Some(kept) = tool.kept() {
            return Ok(kept);
        }
        let compiled = if tool.memory() <= QUICK {
            tool.compiled(compiler)
        } else {
            let (work, compiler) = (tool.clone(), compiler.clone());
            let deadline = Instant::now() + self.settings.default_timeout;
            let owner = Owner {
                key: Arc::as_ptr(tool.id()).cast::<u8>().addr(),
                name: tool.id().clone(),
            };
            let lane = &self.services.lane;
            lane.run(owner, deadline, move |_| work.compiled(&compiler))
                .await?
        };
        compiled.map_err(|problems| no_more(tool, &problems))
    }
}

/// It compiled when the definition came.
fn no_more(tool: &ShownTool, problems: &Problems) -> Failure {
    tracing::error!(tool = &**tool.id(), %problems, "the tool compiles no more");
    let text = "This tool cannot be called: its definition cannot be used any more, and the gateway's log says why. Tell whoever \
                runs the gateway.";
    Failure::new(Outcome::Refused, text)
}
