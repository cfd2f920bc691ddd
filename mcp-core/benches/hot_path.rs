//! What a call costs beside the network: `cargo bench -p mcp-core`.

#[path = "hot_path/calls.rs"]
mod calls;
#[path = "hot_path/fleets.rs"]
mod fleets;
#[path = "hot_path/protocol.rs"]
mod protocol;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    hot_path,
    protocol::envelopes,
    protocol::views,
    calls::planning,
    calls::shaping,
    fleets::balancing
);
criterion_main!(hot_path);
