//! Connections to servers: to which addresses, through which proxy, with which certificates, and why there is none. For
//! everybody who calls: what is permitted is decided here and nowhere else.

mod connector;
mod dial;
mod hop;
mod policy;
mod trouble;

pub(crate) use connector::{ConnectSettings, Connector, NamedServer};
pub(crate) use hop::{Hop, Shortcoming};
pub(crate) use policy::{Policy, refuses, refuses_unresolved};
pub(crate) use trouble::{Trouble, TroubleKind, proxy, receiving, sending};
