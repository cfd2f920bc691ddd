//! Where one message ends and the next begins: lines of a pipe, and server-sent events. Both are read in whatever pieces they
//! come, within bounds. And what a message says that it is.

mod content_type;
pub mod lines;
pub mod sse;

pub(crate) use content_type::{content_type, essence};
