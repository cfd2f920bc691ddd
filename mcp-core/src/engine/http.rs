//! HTTP calls: requests built, sent over pooled connections, and their answers shaped.

mod answer;
pub(crate) mod build;
mod call;
pub(crate) mod client;
pub(crate) mod connections;
pub(crate) mod credentials;
pub(crate) mod deliver;
mod once;
mod probes;
mod shape;

pub(in crate::engine) use answer::Shapes;
pub(in crate::engine) use client::Answer;
pub use credentials::Tokens;
pub(in crate::engine) use shape::{Defaults, Shaping};
use shape::{packed, shape};
