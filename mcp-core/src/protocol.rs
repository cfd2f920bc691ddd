//! The MCP protocol of every revision on one endpoint: which era a request belongs to, and what answers it.
//!
//! [`Gateway`] is shared by the whole process, an [`Endpoint`] belongs to one worker and owns its upstream
//! connections. Neither knows the HTTP server: requests come as parts, answers leave as [`Reply`].

mod abandoned;
mod ask;
mod client_name;
mod conversation;
mod endpoint;
pub mod envelope;
mod events;
mod exchange;
pub mod fault;
mod gateway;
mod headers;
mod held_key;
mod idle_sessions;
mod known;
mod legacy;
mod list_changed;
mod methods;
mod modern;
mod params;
mod parked;
mod reply;
mod session;
mod session_state;

pub use abandoned::{AbandonedSettings, Attended};
pub use endpoint::Endpoint;
pub use exchange::{Exchange, Way};
pub use gateway::{Gateway, GatewayParts, ProtocolSettings};
pub use headers::SESSION_ID;
pub use held_key::{Caller, Doorman};
pub use reply::{Pieces, Reply, ReplyBody};
