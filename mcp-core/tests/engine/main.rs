//! Tool calls against real HTTP servers on the loopback interface.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod calling;
mod connections;
mod definitions;
mod failures;
mod placement;
mod properties;
mod robustness;
mod templates;
mod tls;
mod upstream;
mod validation;
