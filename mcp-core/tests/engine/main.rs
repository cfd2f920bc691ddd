//! Tool calls against real HTTP servers on the loopback interface.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod bodies;
mod calling;
mod connections;
mod credentials;
mod definitions;
mod delivery;
mod explaining;
mod failures;
mod forward_proxy;
mod given_twice;
#[path = "../../src/growth.rs"]
mod growth;
mod http2;
mod instance_values;
mod linear;
mod no_answer;
mod own_egress;
mod params;
mod parts;
mod placement;
mod properties;
mod proxy;
mod published_schema;
mod request_properties;
mod robustness;
mod shaping;
mod signatures;
mod static_answers;
mod styles;
mod templates;
mod tls;
mod tls_server;
mod upstream;
mod validation;
