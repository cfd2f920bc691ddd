//! The `dynmcp` binary.

// What a load needed for a moment goes back to the system within seconds; see docs/adr/0010-jemalloc.md.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    mcp_axum::main()
}
