//! Where upstreams are found that nobody wrote as a document: one module per discovery, named like `type` of a `[[discovery]]` selects it.

#[cfg(feature = "consul")]
pub mod consul;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "exec")]
pub mod exec;
#[cfg(feature = "file_watch")]
pub mod file_watch;
pub mod fixed;
#[cfg(feature = "http_polling")]
pub mod http_polling;
#[cfg(feature = "multicast")]
pub mod multicast;
#[cfg(any(feature = "consul", feature = "dns", feature = "multicast"))]
mod replicas;
#[cfg(any(feature = "consul", feature = "http_polling"))]
mod web_address;

/// What a text lists, unless it is the one that was read last.
#[cfg(any(feature = "exec", feature = "file_watch", feature = "http_polling"))]
fn seen(
    text: bytes::Bytes,
    last: &mut Option<bytes::Bytes>,
) -> Result<mcp_common::discovery::Look, mcp_common::discovery::NotSeen> {
    use mcp_common::discovery::{Look, NotSeen, read};
    if last.as_ref() == Some(&text) {
        return Ok(Look::Same);
    }
    match read(&text) {
        Ok(set) => {
            *last = Some(text);
            Ok(Look::Set(set))
        }
        Err(reason) => {
            // What comes back after it is to be seen again.
            *last = None;
            Err(NotSeen::Broken(reason))
        }
    }
}
