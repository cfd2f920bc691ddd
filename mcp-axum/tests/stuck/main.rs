//! A gateway in which threads get stuck: what it says, that it serves on, and that it ends. This binary is the gateway too,
//! with plugins that block the thread they run on (`main` of `dynmcp` has none).
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "it is its own test runner")]

mod cases;
#[path = "../process/gateway.rs"]
#[expect(dead_code, reason = "the tests of `dynmcp` need more of it")]
mod gateway;
mod plugins;

use std::{env, process::ExitCode, thread};

/// Set for processes that are a gateway, not the tests.
pub(crate) const GATEWAY: &str = "DYNMCP_TEST_IS_GATEWAY";

fn main() -> ExitCode {
    // Also for the processes that the gateway starts of itself.
    if env::var_os(GATEWAY).is_some() {
        return mcp_axum::main();
    }
    let wanted: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| name.contains(&**wanted));
    let run = |(name, case): &(&'static str, fn())| (*name, thread::spawn(*case));
    let running: Vec<_> = cases::ALL
        .iter()
        .filter(|(name, _)| is_wanted(name))
        .map(run)
        .collect();
    let mut code = ExitCode::SUCCESS;
    for (name, case) in running {
        let is_good = case.join().is_ok();
        println!("test {name} ... {}", if is_good { "ok" } else { "FAILED" });
        if !is_good {
            code = ExitCode::FAILURE;
        }
    }
    code
}
