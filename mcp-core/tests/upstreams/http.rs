//! Servers with a URL.

mod honest;
mod misbehaving;
