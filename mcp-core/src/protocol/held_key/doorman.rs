//! Whether whoever opened a stream would be let in again, once those who let callers in are others.

use crate::{peer::Peer, protocol::Exchange};
use bytes::BytesMut;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use mcp_common::authenticator::Principal;
use std::sync::Arc;
use tokio::sync::watch;

/// Whoever opened a stream, and what they showed.
pub struct Caller {
    /// Who they were found to be.
    pub principal: Principal,
    /// The instance that they use.
    pub instance: Arc<str>,
    /// The headers that they came with, credentials among them.
    pub headers: HeaderMap,
    /// The client that they came from.
    pub peer: Arc<Peer>,
}

/// Knows who is let in now.
pub trait Doorman: Send + Sync + 'static {
    /// Whether the caller would be let in as who they were.
    fn lets_in(&self, caller: Arc<Caller>) -> BoxFuture<'static, bool>;
}

/// What there is at first: nobody was let in by another one.
pub(super) type Door = Option<Arc<dyn Doorman>>;

/// A caller at a door.
pub(super) struct AtDoor {
    caller: Arc<Caller>,
    door: watch::Receiver<Door>,
    /// The one who let them in, or let them stay.
    passed: Door,
    /// It is kept while it goes on: whoever waits for it also waits for other things.
    asking: Option<(Arc<dyn Doorman>, BoxFuture<'static, bool>)>,
}

impl AtDoor {
    /// What changed before this a slow request may not have noticed: a doorman who is there already is asked, too.
    pub(super) fn new(exchange: &Exchange<'_>, door: watch::Receiver<Door>) -> Self {
        Self {
            caller: Arc::new(Caller {
                principal: exchange.principal.clone(),
                instance: exchange.view.entry.definition.id.clone(),
                headers: apart(exchange.headers),
                peer: exchange.peer.clone(),
            }),
            door,
            passed: None,
            asking: None,
        }
    }

    /// Returns when the caller would not be let in any more.
    pub(super) async fn is_shut_out(&mut self) {
        loop {
            if let Some((doorman, asking)) = &mut self.asking {
                let is_in = asking.await;
                self.passed = Some(doorman.clone());
                self.asking = None;
                if !is_in {
                    return;
                }
            }
            let passed = &self.passed;
            let another = |now: &Door| !is_same(now, passed);
            // The sender goes when the gateway does.
            let Ok(Some(doorman)) = self.door.wait_for(another).await.map(|now| now.clone()) else {
                return;
            };
            let asking = doorman.lets_in(self.caller.clone());
            self.asking = Some((doorman, asking));
        }
    }
}

/// A copy that shares nothing: the values that came are parts of the buffer that their connection read into, which would
/// stay for as long as the stream does.
fn apart(headers: &HeaderMap) -> HeaderMap {
    let size = headers.values().map(HeaderValue::len).sum();
    let mut values = BytesMut::with_capacity(size);
    let mut own = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        values.extend_from_slice(value.as_bytes());
        // What was a value is one.
        let copy = HeaderValue::from_maybe_shared(values.split().freeze());
        let mut copy = copy.unwrap_or_else(|_| value.clone());
        copy.set_sensitive(value.is_sensitive());
        own.append(name.clone(), copy);
    }
    own
}

fn is_same(one: &Door, other: &Door) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::pending};
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    /// Always says the same, or never says anything.
    struct Fixed {
        answer: Option<bool>,
        asked: AtomicU32,
    }

    impl Fixed {
        fn new(answer: Option<bool>) -> Arc<Self> {
            Arc::new(Self {
                answer,
                asked: AtomicU32::new(0),
            })
        }
    }

    impl Doorman for Fixed {
        fn lets_in(&self, _: Arc<Caller>) -> BoxFuture<'static, bool> {
            self.asked.fetch_add(1, Relaxed);
            match self.answer {
                Some(answer) => std::future::ready(answer).boxed(),
                None => pending().boxed(),
            }
        }
    }

    fn at(door: &watch::Sender<Door>) -> AtDoor {
        AtDoor {
            caller: Arc::new(Caller {
                principal: Principal::named("ann"),
                instance: "i".into(),
                headers: HeaderMap::new(),
                peer: Peer::unbounded(),
            }),
            door: door.subscribe(),
            passed: None,
            asking: None,
        }
    }

    #[test]
    fn each_doorman_is_asked_once_and_the_first_who_refuses_decides() {
        let door = watch::Sender::<Door>::default();
        let mut caller = at(&door);
        assert_eq!(caller.is_shut_out().now_or_never(), None, "nobody to ask");
        let (good, bad) = (Fixed::new(Some(true)), Fixed::new(Some(false)));
        door.send_replace(Some(good.clone()));
        for _ in 0..2 {
            assert_eq!(caller.is_shut_out().now_or_never(), None);
        }
        assert_eq!(good.asked.load(Relaxed), 1);
        door.send_replace(Some(bad));
        assert_eq!(caller.is_shut_out().now_or_never(), Some(()));
        assert_eq!(
            at(&door).is_shut_out().now_or_never(),
            Some(()),
            "who came late, too"
        );
    }

    #[test]
    fn a_question_goes_on_while_others_are_waited_for() {
        let door = watch::Sender::<Door>::default();
        let mut caller = at(&door);
        let slow = Fixed::new(None);
        door.send_replace(Some(slow.clone()));
        for _ in 0..3 {
            assert_eq!(caller.is_shut_out().now_or_never(), None);
        }
        assert_eq!(slow.asked.load(Relaxed), 1);
    }
}
