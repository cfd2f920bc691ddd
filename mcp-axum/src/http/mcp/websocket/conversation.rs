//! An open WebSocket: messages in and out, and whether somebody is still there.

use super::{
    super::{
        Call, McpRoute, Work, admit,
        channel::{Changes, Outward, Peek},
    },
    Channel,
    meter::Meter,
    outgoing,
};
use crate::http::{body, error::Error as Refusal};
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use http::HeaderMap;
use mcp_core::{framing::sse::Parser, peer::Peer};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// How often the client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(15);
/// Silence after which it is not.
const LONGEST_SILENCE: Duration = Duration::from_secs(50);

/// A WebSocket, and what is said over it.
pub(super) struct Conversation {
    pub(super) listener: Listener,
    pub(super) outward: Outward,
    /// What is told; ends when the gateway drains.
    pub(super) changes: Changes,
}

/// Takes what the client says.
pub(super) struct Listener {
    pub(super) route: Arc<McpRoute>,
    /// Of the opening handshake: the client's key is looked at with each message.
    pub(super) headers: HeaderMap,
    pub(super) peer: Arc<Peer>,
    pub(super) channel: Arc<Channel>,
}

/// Why it is over, and what the client is told.
enum Over {
    /// The client is gone.
    Gone,
    /// The client closed it; that is answered (RFC 6455, section 5.5.1).
    Answered,
    Closed(CloseCode, String),
}

/// A control frame carries no more, with the code of two bytes.
const LONGEST_REASON: usize = 123;

impl Conversation {
    /// Until one of the two closes it. `meter` counts what is read from the socket.
    pub(super) async fn run<S>(mut self, socket: S, meter: &Meter)
    where
        S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
    {
        let patience = self.listener.route.app.settings.app.client_patience();
        let (mut sink, mut stream) = socket.split();
        let over = self.talk(&mut sink, &mut stream, meter, patience).await;
        self.listener.channel.end();
        let closing = async {
            match over {
                Over::Gone => {}
                Over::Answered => sink.flush().await?,
                Over::Closed(code, mut reason) => {
                    reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
                    let frame = CloseFrame {
                        code,
                        reason: reason.into(),
                    };
                    sink.send(Message::Close(Some(frame))).await?;
                    // Until the client has closed its side, too.
                    while let Some(Ok(_)) = stream.next().await {}
                }
            }
            Ok::<_, Error>(())
        };
        let _ = timeout(Duration::from_secs(1), closing).await;
    }

    async fn talk(
        &mut self,
        sink: &mut (impl Sink<Message, Error = Error> + Unpin),
        stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
        meter: &Meter,
        patience: Duration,
    ) -> Over {
        let mut parser = Parser::new(u64::MAX);
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut is_draining = false;
        loop {
            let said = tokio::select! {
                biased;
                Some(message) = self.outward.inbox.recv() => vec![message],
                Some(changes) = self.outward.changes.recv(), if !is_draining => {
                    self.changes = changes;
                    vec![]
                }
                change = self.changes.next(), if !is_draining => match change {
                    Some(change) => {
                        let events = parser.push(&change).unwrap_or_default();
                        // Before it is ready, a client is told of nothing.
                        let is_ready = self.listener.channel.is_initialized.is_cancelled();
                        let told = events.into_iter().map(|event| event.data);
                        told.filter(|data| is_ready && !data.is_empty()).collect()
                    }
                    None => {
                        // Nothing new begins; what was begun is answered.
                        is_draining = true;
                        self.listener.channel.tasks.close();
                        vec![]
                    }
                },
                () = self.listener.channel.tasks.wait(), if is_draining => match self.outward.inbox.try_recv() {
                    Ok(message) => vec![message],
                    Err(_) => {
                        return self.listener.nothing_new();
                    }
                },
                received = stream.next() => {
                    heard = Instant::now();
                    let message = match received {
                        Some(Ok(message)) => message,
                        Some(Err(Error::Capacity(error))) => return Over::Closed(CloseCode::Size, error.to_string()),
                        Some(Err(_)) | None => return Over::Gone,
                    };
                    match &message {
                        Message::Ping(carried) | Message::Pong(carried) => meter.control(carried.len()),
                        _ => meter.complete(),
                    }
                    match self.listener.take(message, is_draining).await {
                        Ok(()) => vec![],
                        Err(over) => return over,
                    }
                }
                _ = pings.tick() => {
                    if heard.elapsed() > LONGEST_SILENCE {
                        return Over::Gone;
                    }
                    if !outgoing::send(sink, Message::Ping(Bytes::new()), patience).await {
                        return Over::Gone;
                    }
                    vec![]
                }
            };
            if meter.is_late(std::time::Instant::now()) {
                let reason = "the message did not arrive in time".to_owned();
                return Over::Closed(CloseCode::Policy, reason);
            }
            for message in said {
                let Ok(text) = message.try_into() else { continue };
                if !outgoing::send_text(sink, text, patience).await {
                    return Over::Gone;
                }
                // It reads, whatever it says meanwhile.
                heard = Instant::now();
            }
        }
    }
}

impl Listener {
    /// Why nothing is told any more.
    fn nothing_new(&self) -> Over {
        let views = &self.route.endpoint.gateway().views;
        let (code, reason) = if self.route.app.draining.is_cancelled() {
            (CloseCode::Away, "the gateway ends")
        } else if views.get(&self.channel.instance).is_none() {
            (CloseCode::Away, "the instance is gone")
        } else {
            (
                CloseCode::Policy,
                "what let this caller in, a key or the configuration, has changed or ended; open another one",
            )
        };
        Over::Closed(code, reason.to_owned())
    }

    /// Takes what came. Where nothing new begins, what was begun can still be given up.
    async fn take(&self, message: Message, is_draining: bool) -> Result<(), Over> {
        let text = match message {
            Message::Text(text) => Bytes::from(text),
            Message::Binary(_) => {
                let reason = "messages are text frames".to_owned();
                return Err(Over::Closed(CloseCode::Unsupported, reason));
            }
            Message::Close(_) => return Err(Over::Answered),
            // Answered where they are read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
        };
        if is_draining {
            let peek = Peek::read(&text);
            self.channel.cancel(&peek);
            if peek.id.is_some() {
                self.refuse(
                    &text,
                    &Refusal::unavailable("this channel ends; ask again over another one"),
                );
            }
            return Ok(());
        }
        // The configuration may be another one than when it was opened.
        let route = self.route.latest();
        let mut headers = self.headers.clone();
        let mut call = Call::begin(&route, &mut headers, &self.peer);
        let admitted = admit(
            &route,
            &self.headers,
            &self.peer,
            &self.channel.instance,
            &mut call.record,
        )
        .await;
        let (view, principal) = match admitted {
            Ok(admitted) => admitted,
            Err(error) if error.status().is_server_error() => {
                // It may be different for the next message.
                call.record.answered(error.status());
                self.refuse(&text, &error);
                return Ok(());
            }
            Err(error) => {
                // A key that is no longer good, or an instance that is gone: nothing else would be answered, either.
                call.record.answered(error.status());
                return Err(Over::Closed(CloseCode::Policy, error.message().to_owned()));
            }
        };
        let kept = match body::keep(text.clone(), &self.peer) {
            Ok(kept) => kept,
            Err(error) => {
                call.record.answered(error.status());
                self.refuse(&text, &error);
                return Ok(());
            }
        };
        let work = Work {
            view,
            headers,
            principal,
            peer: self.peer.clone(),
            request_id: call.id,
        };
        if let Err(error) = self.channel.take(work, kept, call.record) {
            self.refuse(&text, &error);
        }
        Ok(())
    }

    /// Beside what is being answered: whoever does not read must not keep himself from reading.
    fn refuse(&self, text: &Bytes, error: &Refusal) {
        let (channel, text, error) = (self.channel.clone(), text.clone(), error.clone());
        tokio::spawn(async move { channel.refuse(&text, &error).await });
    }
}
