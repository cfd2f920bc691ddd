//! `dynmcp try-definition`: compiles one document and says nothing. Whoever started it looks whether it dies.

use super::Failure;
use clap::Args;
use mcp_common::{
    bounds::Bounds,
    catalog::Catalog,
    datasource::{Batch, Change, Record},
    key::{Key, Kind},
};
use mcp_core::tool::{RequestHeader, ToolCompiler};
use std::{
    io::{self, Read},
    sync::Arc,
    thread,
};

/// Of address space: more than any definition may need, and what a machine can spare for a moment.
#[cfg(unix)]
const MEMORY: u64 = 2 << 30;

#[derive(Args)]
pub(super) struct TryDefinitionArguments {
    /// The kind: TDS, IDS, …
    kind: String,
    /// The definition's id.
    id: String,
    /// A bound of the gateway that is not the default: what it compiles is compiled here, and refused what it refuses.
    #[arg(long = "bound", value_name = "KEY=VALUE", value_parser = bound)]
    bounds: Vec<(String, usize)>,
    /// A header of clients' requests that templates may name.
    #[arg(long = "request-header", value_name = "NAME")]
    request_headers: Vec<RequestHeader>,
}

fn bound(text: &str) -> Result<(String, usize), String> {
    let (key, most) = text.split_once('=').ok_or("is not KEY=VALUE")?;
    let most = most.parse().map_err(|_| "is not a number")?;
    Ok((key.to_owned(), most))
}

pub(super) fn run(arguments: TryDefinitionArguments) -> Result<(), Failure> {
    confine();
    let TryDefinitionArguments { kind, id, .. } = arguments;
    let unknown = || Failure::runtime(format!("`{kind}` is no kind of definitions"));
    let kind = Kind::parse(&kind).ok_or_else(unknown)?;
    let mut bounds = Bounds::default();
    for (key, most) in arguments.bounds {
        let set = bounds.set(&key, most);
        set.map_err(|reason| Failure::runtime(format!("{key}: {reason}")))?;
    }
    let compiler = ToolCompiler::default()
        .with_bounds(Arc::new(bounds))
        .with_request_headers(arguments.request_headers);
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body)?;
    let record = Record {
        key: Key { kind, id: id.into() },
        revision: 1,
        updated_at: None,
        body: body.into(),
    };
    let compile = || {
        Catalog::new(compiler).apply(Batch {
            revision: 1,
            changes: vec![Change::Put(record)],
        })
    };
    // On a stack as large as that of the threads that compile in a gateway.
    let compiled = thread::spawn(compile).join();
    compiled
        .map(|_| ())
        .map_err(|_| Failure::runtime("compiling it ended in an internal error"))
}

/// If the system has no memory left, it is this process that goes.
fn confine() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::As);
        let lower = Rlimit {
            current: Some(limit.maximum.map_or(MEMORY, |most| most.min(MEMORY))),
            ..limit
        };
        let _ = setrlimit(Resource::As, lower);
        #[cfg(target_os = "linux")]
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }
}
