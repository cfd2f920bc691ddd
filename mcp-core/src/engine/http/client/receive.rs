//! Reads an answer to its end, or to its bound.

use super::{decompress, told::Told};
use crate::{
    connect,
    engine::{Lane, failure::Failure, no_memory, result::Outcome},
    peer::{Held, Peer},
    relay::Line,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode, Uri, header};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A complete answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) uri: Uri,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The memory that the body takes, while something is made of it.
    held: Option<Arc<Held>>,
}

impl Answer {
    /// The value of a header that is text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            uri: Uri::default(),
            status: head.status,
            headers: head.headers,
            body,
            held: None,
        }
    }
}

/// Smaller answers are not counted: a connection of HTTP/1 has one at a time, and a request of HTTP/2 is counted with it.
pub(crate) const SMALL: u64 = 16 << 10;
/// The steps in which the memory of an answer is taken that does not say how large it will be.
const STEP: u64 = 256 << 10;

/// What an answer may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room<'a> {
    /// Bytes at the most.
    pub(crate) most: u64,
    /// Whose memory it is.
    pub(crate) peer: Option<&'a Arc<Peer>>,
    /// Where its progress is told.
    pub(crate) line: Option<&'a Line>,
}

impl Room<'_> {
    /// Room that is nobody's.
    pub(crate) fn of(most: u64) -> Self {
        Self {
            most,
            peer: None,
            line: None,
        }
    }

    /// Takes the memory before so many bytes of an answer are kept.
    fn take(&self, held: &mut Option<Held>, size: u64) -> Result<(), Failure> {
        let Some(peer) = self.peer.filter(|_| size > SMALL) else {
            return Ok(());
        };
        let taken = match held {
            Some(held) if held.bytes() >= size => Ok(()),
            Some(held) => held.grow(size.next_multiple_of(STEP).min(self.most)),
            None => peer.hold(size).map(|new| *held = Some(new)),
        };
        taken.map_err(|_| no_memory("answer"))
    }
}

/// Of an answer that is larger than this one piece is taken after the other, so that many of them at once hold nobody up.
const IN_TURNS: u64 = 128 << 10;

/// Whose turn it is to take a piece of a large answer.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Turns {
    /// Waits for its turn, and lets everything else of this thread go on before the next one has it.
    async fn next(&self) {
        let _turn = self.0.acquire().await;
        tokio::task::yield_now().await;
    }
}

pub(super) async fn receive(
    uri: Uri,
    response: Response<Incoming>,
    room: Room<'_>,
    lane: &Lane,
    turns: &Turns,
) -> Result<Answer, Failure> {
    let limit = room.most;
    let (head, mut incoming) = response.into_parts();
    let announced = incoming.size_hint().lower();
    if announced > limit {
        return Err(too_large(&uri, limit));
    }
    let exact = incoming.size_hint().exact();
    let mut told = room.line.map(|line| Told::new(line, exact));
    let mut held = None;
    room.take(&mut held, announced)?;
    let mut body = Bytes::new();
    let mut joined = BytesMut::new();
    let mut size = 0_u64;
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| connect::receiving(&uri, &error))?;
        let Ok(chunk) = frame.into_data() else { continue };
        size += chunk.len() as u64;
        if size > limit {
            return Err(too_large(&uri, limit));
        }
        room.take(&mut held, size)?;
        if let Some(told) = &mut told {
            told.received(size);
        }
        if size == chunk.len() as u64 {
            // Most answers are one chunk; it is used where it lies.
            body = chunk;
            continue;
        }
        if joined.is_empty() {
            joined.reserve((announced.max(size * 2)).min(limit) as usize);
            joined.extend_from_slice(&body);
        }
        joined.extend_from_slice(&chunk);
        drop(chunk);
        if size > IN_TURNS {
            turns.next().await;
        }
    }
    if !joined.is_empty() {
        body = joined.freeze();
    }
    let answer = Answer {
        uri,
        status: head.status,
        headers: head.headers,
        body,
        held: held.map(Arc::new),
    };
    if answer.headers.contains_key(header::CONTENT_ENCODING) {
        let mut answer = decompress::decompress(answer, limit, lane).await?;
        // What came is dropped; a lane decodes few at once, so that this is early enough.
        let mut held = None;
        room.take(&mut held, answer.body.len() as u64)?;
        answer.held = held.map(Arc::new);
        return Ok(answer);
    }
    Ok(answer)
}

pub(super) fn too_large(uri: &Uri, limit: u64) -> Failure {
    let host = uri
        .authority()
        .map_or("the upstream", |authority| authority.as_str());
    let text = format!("The answer of {host} is larger than the limit of {limit} bytes.");
    Failure::new(Outcome::TooLarge, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, rc::Rc};
    use tokio::task::LocalSet;

    #[tokio::test(flavor = "current_thread")]
    async fn of_many_large_answers_one_has_its_turn_while_others_go_on() {
        const MANY: usize = 64;
        let (turns, pieces) = (Turns::default(), Rc::new(Cell::new(0)));
        let tasks = LocalSet::new();
        for _ in 0..MANY {
            let (turns, pieces) = (turns.clone(), pieces.clone());
            tasks.spawn_local(async move {
                turns.next().await;
                pieces.set(pieces.get() + 1);
            });
        }
        let longest = tasks.run_until(async {
            let mut longest = 0;
            while pieces.get() < MANY {
                let before = pieces.get();
                tokio::task::yield_now().await;
                longest = longest.max(pieces.get() - before);
            }
            longest
        });
        assert!(longest.await <= 2, "others wait for many pieces");
    }
}
