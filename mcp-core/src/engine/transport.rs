//! Connections of tools that ask for more than the gateway's usual ones: a client certificate, authorities of their own,
//! a proxy, fewer addresses. Each such transport has a pool of its own, so nothing of it is ever used for another tool.

mod look_up;
pub(crate) mod material;
mod pools;

pub(crate) use look_up::{Shortcoming, shortcomings};
pub(super) use pools::Pools;
