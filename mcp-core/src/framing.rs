//! Where one message ends and the next begins: lines of a pipe, and server-sent events. Both are read in whatever pieces they
//! come, within bounds.

pub mod lines;
pub mod sse;
