//! What hyper lets one connection take.

use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto,
};
use mcp_common::bounds::Bounds;
use std::time::Duration;

/// hyper's buffer of HTTP/1, in which a header with its request line has to have room, is not smaller.
const LEAST_BUFFER: usize = 8 << 10;
/// Headers that hyper takes without being told; another number takes an allocation for each request.
const USUAL_HEADERS: usize = 100;
/// Requests at once on a connection of HTTP/2; RFC 9113 (6.5.2) advises to allow 100.
const MAX_STREAMS: u32 = 100;
/// What a client may send on one stream before somebody reads it, and on all of a connection.
const STREAM_WINDOW: u32 = 128 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
/// What hyper takes of an answer ahead of the client's window.
const MAX_SEND_BUFFER: usize = 64 << 10;
/// Streams that a client opens and resets, and that we reset for its errors, before the connection is ended
/// (CVE-2023-44487 and its kin).
const MAX_RESETS: usize = 20;
const MAX_OWN_RESETS: usize = 128;
/// A connection of HTTP/2 is asked whether somebody is there; one that is not would keep its places.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);

/// Serves either version. Times of HTTP/1 are the worker's: a timer for each header would cost on every request.
pub(crate) fn builder(bounds: &Bounds) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A longer header is answered 431.
    let header = bounds.header_bytes.most.max(LEAST_BUFFER);
    builder.http1().max_buf_size(header).header_read_timeout(None);
    if bounds.headers.most != USUAL_HEADERS {
        builder.http1().max_headers(bounds.headers.most);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(header).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_OWN_RESETS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}
