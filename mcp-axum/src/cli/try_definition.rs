//! `dynmcp try-definition`: compiles one document and says nothing. Whoever started it looks whether it dies.

use super::Failure;
use mcp_common::{
    catalog::Catalog,
    datasource::{Batch, Change, Record},
    key::{Key, Kind},
};
use mcp_core::tool::ToolCompiler;
use std::{
    io::{self, Read},
    thread,
};

/// Of address space: more than any definition may need, and what a machine can spare for a moment.
#[cfg(unix)]
const MEMORY: u64 = 2 << 30;

pub(super) fn run(kind: &str, id: &str) -> Result<(), Failure> {
    confine();
    let unknown = || Failure::runtime(format!("`{kind}` is no kind of definitions"));
    let kind = Kind::parse(kind).ok_or_else(unknown)?;
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body)?;
    let record = Record {
        key: Key { kind, id: id.into() },
        revision: 1,
        updated_at: None,
        body: body.into(),
    };
    let compile = || {
        Catalog::new(ToolCompiler::default()).apply(Batch {
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
