//! A request that may be talked about before it is answered: its answer is JSON, unless something was said before. Then
//! it is the last event of a stream.

#[cfg(test)]
mod tests;

use super::{
    Attended, Endpoint, Reply, ReplyBody, Way,
    ask::Ask,
    envelope::{Id, OwnedId},
    events::{KEEP_ALIVE, PING, event, event_of},
    fault::Fault,
    parked::{self, Parked, Questions, Resumed, Whose},
    reply::Ends,
};
use crate::{
    policy::Trace,
    relay::{Line, OpenCall, Question, Reaches, Said},
    spec::Era,
    view::InstanceView,
};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream};
use http::StatusCode;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a client is asked that waits for its turn.
const QUESTIONS: usize = 8;

/// The answer, to whichever request asks for it: since 2026-07-28 that may be a later one than the first.
pub(super) type Finished = Box<dyn FnOnce(Id<'_>) -> Reply + Send>;

/// Answers with what `work` makes of the line.
pub(super) async fn hold(
    ask: &Ask<'_>,
    trace: Trace,
    work: impl FnOnce(Line) -> BoxFuture<'static, Finished>,
) -> Result<Reply, Fault> {
    let talk = match go_on(ask)? {
        Some(Resumed { call, left }) => {
            if !left.is_empty() {
                return Ok(match call.park(left) {
                    Ok(reply) => *reply,
                    Err(talk) => talk.run(trace).await,
                });
            }
            call
        }
        None => match Talk::begin(ask, work) {
            Ok(talk) => talk,
            Err(alone) => return Ok(alone.await),
        },
    };
    Ok(talk.run(trace).await)
}

/// The earlier call that the request goes on with, if it is one that waits here.
fn go_on(ask: &Ask<'_>) -> Result<Option<Resumed<Box<Talk>>>, Fault> {
    if ask.era != Era::Modern {
        return Ok(None);
    }
    let goes_on = ask.goes_on();
    let parked = &ask.endpoint.gateway.parked;
    let (Some(parked), Some(state)) = (parked, &goes_on.state) else {
        return Ok(None);
    };
    if !parked.is_own(state) {
        // It is the server's, or nobody's.
        return Ok(None);
    }
    let whose = whose(ask, goes_on.target());
    let resumed = parked.go_on(state, &whose, goes_on.responses, |talk| talk.go_on(ask));
    let resumed = resumed.ok_or_else(|| {
        Fault::invalid_params("params.requestState is not known, any more: make the request without it")
    })?;
    Ok(Some(resumed))
}

fn whose(ask: &Ask<'_>, target: &str) -> Whose {
    Whose {
        instance: ask.exchange.view.entry.definition.id.clone(),
        subject: ask.exchange.principal.subject.clone(),
        target: target.into(),
    }
}

/// An open request and what is said in it.
pub(super) struct Talk {
    work: Work,
    line: Line,
    said: mpsc::Receiver<Said>,
    /// What the client is to be asked by results.
    questions: Option<mpsc::Receiver<Question>>,
    asked: u64,
    parked: Option<Arc<Parked<Box<Self>>>>,
    whose: Whose,
    view: Arc<InstanceView>,
    call: Option<OpenCall>,
    id: OwnedId,
    /// The client takes nothing but the answer.
    is_silent: bool,
    /// The work is done; what was said before goes out first.
    answer: Option<Reply>,
}

enum Work {
    /// Ends with the stream.
    Own(BoxFuture<'static, Finished>),
    /// Goes on within the bounds when the stream ends.
    Task(Attended),
}

enum Next {
    Said(Said, Box<Talk>),
    /// Nothing was said for a while.
    Silence(Box<Talk>),
    Over(Box<Reply>),
    Cancelled,
}

/// What an event of a stream is made of.
enum Turn {
    Known(Next),
    Of(Box<Talk>),
}

impl Talk {
    /// The answer alone, where nothing can be said before it.
    fn begin(
        ask: &Ask<'_>,
        work: impl FnOnce(Line) -> BoxFuture<'static, Finished>,
    ) -> Result<Box<Self>, BoxFuture<'static, Reply>> {
        let mut parts = ask.line_parts();
        let id = ask.id.to_owned();
        let parked = ask.endpoint.gateway.parked.clone();
        let questions = match parked.is_some() && ask.era == Era::Modern && !parts.client.is_none() {
            true => {
                let (sender, questions) = mpsc::channel(QUESTIONS);
                parts.reaches = Some(Reaches::Results(sender));
                Some(questions)
            }
            false => None,
        };
        let (line, said) = Line::open(parts);
        let work = work(line.clone());
        let is_silent = !ask.may_stream();
        if is_silent && questions.is_none() {
            // Nobody listens: what is said is lost, and who asks the client something hears that at once.
            drop(said);
            return Err(Box::pin(async move { work.await(id.get()) }));
        }
        let work = match ask.era {
            Era::Modern => Work::Own(work),
            // What was asked for over a channel ends with it.
            Era::Legacy if ask.exchange.way == Way::Channel => Work::Own(work),
            // A lost connection cancels nothing there.
            Era::Legacy => {
                let id = id.clone();
                let task = tokio::spawn(async move { work.await(id.get()) });
                attended(ask.endpoint, task, ask)
            }
        };
        Ok(Box::new(Self {
            work,
            line,
            said,
            questions,
            asked: 0,
            parked,
            whose: whose(ask, ask.goes_on().target()),
            view: ask.exchange.view.clone(),
            call: ask.call.clone(),
            id,
            is_silent,
            answer: None,
        }))
    }

    /// The same for another request, which takes the place of the one before.
    fn go_on(mut self: Box<Self>, ask: &Ask<'_>) -> Box<Self> {
        let parts = ask.line_parts();
        self.line.go_on(parts.progress_token, parts.logs);
        self.id = ask.id.to_owned();
        self.is_silent = !ask.may_stream();
        self
    }

    async fn run(self: Box<Self>, trace: Trace) -> Reply {
        let first = match self.next().await {
            Next::Over(reply) => return *reply,
            Next::Cancelled => return Reply::empty(StatusCode::ACCEPTED),
            first => first,
        };
        let ends = Ends::default();
        let events = stream::unfold(Some((Turn::Known(first), ends.clone())), |state| async {
            let (turn, tell) = state?;
            let next = match turn {
                Turn::Known(next) => next,
                Turn::Of(talk) => talk.next().await,
            };
            match next {
                Next::Said(text, talk) => Some((event(&text).into(), Some((Turn::Of(talk), tell)))),
                Next::Silence(talk) => Some((PING, Some((Turn::Of(talk), tell)))),
                Next::Over(reply) => {
                    let _is_first = tell.set(reply.trace.clone());
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

    async fn next(mut self: Box<Self>) -> Next {
        loop {
            if let Some(reply) = self.answer.take() {
                match self.said.try_recv() {
                    Ok(_) if self.is_silent => {}
                    Ok(text) => {
                        self.answer = Some(reply);
                        return Next::Said(text, self);
                    }
                    Err(_) => return Next::Over(Box::new(reply)),
                }
                self.answer = Some(reply);
                continue;
            }
            let reply = tokio::select! {
                biased;
                () = cancelled(self.call.as_ref()) => {
                    self.work.give_up();
                    return Next::Cancelled;
                }
                Some(text) = self.said.recv() => {
                    if self.is_silent {
                        continue;
                    }
                    return Next::Said(text, self);
                }
                question = asked(&mut self.questions) => {
                    let questions = self.named(question);
                    match self.park(questions) {
                        Ok(reply) => return Next::Over(reply),
                        // There is no room for it: the server hears that nobody answers.
                        Err(talk) => self = talk,
                    }
                    continue;
                }
                reply = self.work.done(&self.id) => reply,
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    if self.is_silent {
                        continue;
                    }
                    return Next::Silence(self);
                }
            };
            self.answer = Some(reply.unwrap_or_else(|| {
                let lost = Fault::internal("the request ended without an answer; the gateway's log says why");
                Reply::fault(&lost.with_id(self.id.get()))
            }));
        }
    }

    /// What the client is asked now, by the names that its answers repeat.
    fn named(&mut self, first: Question) -> Questions {
        let mut all = Questions::new();
        let mut next = Some(first);
        while let Some(question) = next {
            self.asked += 1;
            let kind = question.method.split('/').next().unwrap_or_default();
            all.insert(format!("{kind}-{}", self.asked), question);
            next = self
                .questions
                .as_mut()
                .and_then(|questions| questions.try_recv().ok());
        }
        all
    }

    /// Asks the client by the result of its request, and waits for the request that answers.
    fn park(self: Box<Self>, questions: Questions) -> Result<Box<Reply>, Box<Self>> {
        let Some(parked) = self.parked.clone() else {
            return Err(self);
        };
        let (id, view, whose) = (self.id.clone(), self.view.clone(), self.whose.clone());
        let mut result = String::new();
        parked.park(self, questions, whose, |state, questions| {
            result = parked::result(state, questions);
        })?;
        let info = &view.server_info;
        let result = format!(
            "{{{result},\"resultType\":\"input_required\",\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{info}}}}}"
        );
        Ok(Box::new(Reply::result(id.get(), result)))
    }
}

fn attended(endpoint: &Endpoint, task: tokio::task::JoinHandle<Reply>, ask: &Ask<'_>) -> Work {
    let client = ask.exchange.principal.subject.clone();
    Work::Task(endpoint.gateway.attend(task, client))
}

impl Work {
    /// `None` if it panicked, which the hook has said.
    async fn done(&mut self, id: &OwnedId) -> Option<Reply> {
        match self {
            Self::Own(work) => Some(work.await(id.get())),
            Self::Task(task) => task.await.ok(),
        }
    }

    fn give_up(&mut self) {
        if let Self::Task(task) = self {
            task.give_up();
        }
    }
}

/// The next question; never, where nobody asks.
async fn asked(questions: &mut Option<mpsc::Receiver<Question>>) -> Question {
    let next = match questions {
        Some(questions) => questions.recv().await,
        None => None,
    };
    match next {
        Some(question) => question,
        None => std::future::pending().await,
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
