//! Messages on their way to the client. A large one goes out in parts (RFC 6455, section 5.4): each has a time of its own, and
//! no more of it is copied than is written next.

use bytes::Bytes;
use futures_util::{Sink, SinkExt};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

/// The most bytes of a part: at the least rate that a client may read with they take four seconds.
const PART: usize = 64 << 10;

/// Whether it was taken in time.
pub(super) async fn send(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    message: Message,
    patience: Duration,
) -> bool {
    matches!(timeout(patience, sink.send(message)).await, Ok(Ok(())))
}

/// The same of a text of any length.
pub(super) async fn send_text(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    text: Utf8Bytes,
    patience: Duration,
) -> bool {
    if text.len() <= PART {
        return send(sink, Message::Text(text), patience).await;
    }
    let mut rest = Bytes::from(text);
    let mut kind = Data::Text;
    while !rest.is_empty() {
        let part = rest.split_to(PART.min(rest.len()));
        let frame = Frame::message(part, OpCode::Data(kind), rest.is_empty());
        if !send(sink, Message::Frame(frame), patience).await {
            return false;
        }
        kind = Data::Continue;
    }
    true
}
