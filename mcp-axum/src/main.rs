//! The `dynmcp` binary.

fn main() -> std::process::ExitCode {
    mcp_axum::main()
}
