//! Connections of tools that ask for more than the gateway's usual ones: a client certificate, authorities of their own,
//! a proxy, fewer addresses. Each such transport has a pool of its own, so nothing of it is ever used for another tool.

mod pools;

pub(crate) use pools::Pools;
