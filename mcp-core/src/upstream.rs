//! Other MCP servers, of which the gateway is a client: each has one supervisor that keeps a connection and an inventory
//! of what the server offers. Nobody waits for a server at the start or in a list, and what servers answer passes through
//! as the bytes that it is.

mod accounts;
mod asked;
mod authorization;
mod call;
mod clients;
mod conduit;
mod drift;
mod error;
mod features;
mod follow;
mod http;
mod hub;
mod inventory;
mod keeper;
mod logins;
mod message;
mod names;
mod news;
mod offered;
mod outgoing;
mod pages;
mod preview;
mod progress;
mod remote;
mod replicas;
mod session;
mod settings;
mod sse;
mod status;
mod stdio;
mod supervisor;
#[cfg(unix)]
mod warden;
mod watched;
mod websocket;

pub use accounts::GivenBack;
pub use call::{Caller, RemoteCall, Wanted};
pub use drift::{Drift, Drifted};
pub use error::{RpcError, UpstreamError};
pub use features::{Features, Tells};
pub use hub::{Checked, Hub, Offer, PROBES, TASK};
pub use inventory::{Inventory, Listed, RemoteTemplate, RemoteTool, Skipped};
pub use offered::{OfferedPrompt, OfferedTool, Said};
pub use pages::Pages;
pub use preview::Preview;
pub use settings::HubSettings;
pub use status::{State, Status};
pub use stdio::{LogLine, ProgramCounts};
#[cfg(unix)]
pub use warden::keep_watch;
pub use watched::Watching;
