//! Calls of a server that is a program: the gateway's own CPU, and the program's, beside what the program takes without a gateway.

use super::{Options, pipe::Piped, program, site, speech::content};
use crate::{
    contender::{Contender, port_of},
    cpu,
    report::{Report, Row},
};
use anyhow::{Context, Result};
use serde_json::json;
use std::{fmt, fs};

/// In the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leg {
    /// The program, asked by the load itself.
    Alone,
    /// The program, asked by the gateway.
    Behind,
    /// The gateway with a tool that asks nobody.
    Fixed,
    /// The gateway asking the program.
    Gateway,
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alone => "the program alone, over a pipe",
            Self::Behind => "the program behind DynMCP, its own CPU",
            Self::Fixed => "DynMCP, a `static` tool of the same answer",
            Self::Gateway => "DynMCP `tools/call` of the program, the gateway's own CPU",
        })
    }
}

impl Row for Leg {
    const YARDSTICK: &'static str = "the baseline";

    fn yardstick(self) -> Option<Self> {
        match self {
            Self::Behind => Some(Self::Alone),
            Self::Gateway => Some(Self::Fixed),
            Self::Alone | Self::Fixed => None,
        }
    }
}

pub(super) async fn run(options: &Options) -> Result<()> {
    let own = std::env::current_exe()?.display().to_string();
    let gateway = site::start(options, "", &format!("[stdio]\nallow = ['{own}']\n")).await?;
    let document = json!({"command": own, "args": ["program"]});
    gateway.admin().write("uds", "program", &document).await?;
    let fixed =
        json!({"name": "fixed", "description": "Answers the same.", "static": {"content": content()}});
    gateway.admin().put_tool("fixed", &fixed).await?;
    site::ready(&gateway, 1).await?;
    site::instance(&gateway, "pipe", json!(["program"]), json!(["fixed"])).await?;

    let (port, pid) = (port_of(&gateway)?, gateway.pid().context("it has ended")?);
    let child = program_of(pid)?;
    let (fixed, constant) = site::call(&gateway, "pipe", "fixed").await?;
    let (call, answer) = site::call(&gateway, "pipe", &format!("{}_000", program::TOOLS)).await?;
    let contenders = [
        Contender::new(Leg::Fixed, port, fixed, constant, vec![pid]),
        Contender::new(Leg::Gateway, port, call.clone(), answer.clone(), vec![pid]),
        Contender::new(Leg::Behind, port, call, answer, vec![child]),
    ];
    let (turns, mut piped, mut report) = (options.turns(), Piped::start()?, Report::default());
    for connections in options.connections.iter().copied() {
        for round in 0..options.rounds {
            gateway.forget_output()?;
            report.add(connections, Leg::Alone, piped.measure(connections, turns.time())?);
            turns.round(&mut report, &contenders, connections, round).await?;
        }
    }
    println!(
        "\n## Calls of a server that is a program\n\nThe program alone has as many requests under way as there are connections, and is \
         the baseline of the program behind the gateway. The aim is 15 µs of the gateway's own CPU for a call; its baseline, the `static` tool, shows what of that a call takes \
         that asks nobody.\n{report}"
    );
    Ok(())
}

/// The process among those that the gateway started which is this benchmark's.
fn program_of(gateway: u32) -> Result<u32> {
    let own = fs::canonicalize(std::env::current_exe()?)?;
    let is_own = |pid: &u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == own);
    let found = cpu::all_children(gateway).into_iter().find(is_own);
    found.context("the gateway has started no program")
}
