//! A request that may be talked about before it is answered: its answer is JSON, unless something was said before. Then
//! it is the last event of a stream.

#[cfg(test)]
mod tests;

use super::{
    Attended, Reply, ReplyBody, Way,
    ask::Ask,
    events::{KEEP_ALIVE, PING, event, event_of},
    fault::Fault,
};
use crate::{
    policy::Trace,
    relay::{Line, OpenCall, Said},
    spec::Era,
};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream};
use http::StatusCode;
use tokio::sync::{mpsc, oneshot};

/// Answers with what `work` makes of the line.
pub(super) async fn hold(
    ask: &Ask<'_>,
    trace: Trace,
    work: impl FnOnce(Line) -> BoxFuture<'static, Reply>,
) -> Result<Reply, Fault> {
    let (line, said) = Line::open(ask.line_parts());
    let work = work(line);
    if !ask.may_stream() {
        // Nobody listens: what is said is lost, and who asks the client something hears that at once.
        drop(said);
        return Ok(work.await);
    }
    let work = match ask.era {
        Era::Modern => Work::Own(work),
        // What was asked for over a channel ends with it.
        Era::Legacy if ask.exchange.way == Way::Channel => Work::Own(work),
        // A lost connection cancels nothing there.
        Era::Legacy => {
            let client = ask.exchange.principal.subject.clone();
            Work::Task(ask.endpoint.gateway.attend(tokio::spawn(work), client))
        }
    };
    let mut talk = Talk {
        work,
        said,
        call: ask.call.clone(),
        lost: Fault::internal("the request ended without an answer; the gateway's log says why")
            .with_id(ask.id),
        era: ask.era,
        answer: None,
    };
    Ok(match talk.next().await {
        Next::Over(reply) => *reply,
        Next::Cancelled => Reply::empty(StatusCode::ACCEPTED),
        first => {
            let (tell, ends) = oneshot::channel();
            let events = stream::unfold(Some((talk, tell, Some(first))), |state| async {
                let (mut talk, tell, first) = state?;
                let next = match first {
                    Some(first) => first,
                    None => talk.next().await,
                };
                match next {
                    Next::Said(text) => Some((event(&text).into(), Some((talk, tell, None)))),
                    Next::Silence => Some((PING, Some((talk, tell, None)))),
                    Next::Over(reply) => {
                        // Nobody may want to know.
                        let _told = tell.send(reply.trace.clone());
                        Some((last_event(*reply), None))
                    }
                    Next::Cancelled => None,
                }
            });
            Reply {
                body: ReplyBody::Events(events.boxed()),
                trace,
                ends: Some(ends),
                ..Reply::empty(StatusCode::OK)
            }
        }
    })
}

/// An open request and what is said in it.
struct Talk {
    work: Work,
    said: mpsc::Receiver<Said>,
    call: Option<OpenCall>,
    /// What is answered if the work comes to no end.
    lost: Fault,
    era: Era,
    /// The work is done; what was said before goes out first.
    answer: Option<Reply>,
}

enum Work {
    /// Ends with the stream.
    Own(BoxFuture<'static, Reply>),
    /// Goes on within the bounds when the stream ends.
    Task(Attended),
}

enum Next {
    Said(Said),
    /// Nothing was said for a while.
    Silence,
    Over(Box<Reply>),
    Cancelled,
}

impl Talk {
    async fn next(&mut self) -> Next {
        loop {
            if let Some(reply) = self.answer.take() {
                let Ok(text) = self.said.try_recv() else {
                    return Next::Over(Box::new(reply));
                };
                self.answer = Some(reply);
                return Next::Said(text);
            }
            let reply = tokio::select! {
                biased;
                () = cancelled(self.call.as_ref()) => {
                    self.work.give_up();
                    return Next::Cancelled;
                }
                Some(text) = self.said.recv() => return Next::Said(text),
                reply = self.work.done() => reply,
                () = tokio::time::sleep(KEEP_ALIVE) => return Next::Silence,
            };
            self.answer = Some(reply.unwrap_or_else(|| Reply::fault(&self.lost, self.era)));
        }
    }
}

impl Work {
    /// `None` if it panicked, which the hook has said.
    async fn done(&mut self) -> Option<Reply> {
        match self {
            Self::Own(work) => Some(work.await),
            Self::Task(task) => task.await.ok(),
        }
    }

    fn give_up(&mut self) {
        if let Self::Task(task) = self {
            task.give_up();
        }
    }
}

async fn cancelled(call: Option<&OpenCall>) {
    match call {
        Some(call) => call.cancelled().await,
        None => std::future::pending().await,
    }
}

fn last_event(reply: Reply) -> Bytes {
    match reply.body {
        ReplyBody::Json(pieces) => event_of(&pieces),
        ReplyBody::Empty | ReplyBody::Events(_) => Bytes::new(),
    }
}
