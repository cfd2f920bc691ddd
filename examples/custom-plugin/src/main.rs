//! `dynmcp` with the plugins of this crate.
use custom_plugin as _;

fn main() -> std::process::ExitCode {
    mcp_axum::main()
}
