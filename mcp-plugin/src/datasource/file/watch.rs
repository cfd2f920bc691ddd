//! The thread that looks at the folder: when the system reports something, and now and then without a report.

use super::{
    folder::Folder,
    lock,
    pending::{Due, Pending},
    reports::Reports,
};
use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::watch as signal;

/// The time between looks where the system reports nothing.
const WITHOUT_REPORTS: Duration = Duration::from_millis(500);

/// Keeps the thread going; it ends when this is dropped.
pub(super) struct Watch {
    messages: Sender<Message>,
}

pub(super) enum Message {
    Report(notify::Result<notify::Event>),
    End,
}

impl Watch {
    /// Looks at everything once, and then goes on beside the caller.
    pub(super) fn start(
        folder: Arc<Mutex<Folder>>,
        news: Arc<signal::Sender<()>>,
        poll: Duration,
    ) -> io::Result<Self> {
        let (messages, inbox) = channel();
        let mut reports = Reports::new(lock(&folder).root().to_owned(), messages.clone());
        // Watched before it is looked at, so that nothing falls in between.
        reports.renew();
        lock(&folder).scan_all(&BTreeSet::new());
        let thread = Thread {
            folder,
            news,
            poll,
            reports,
            inbox,
        };
        thread::Builder::new()
            .name("dynmcp-files".to_owned())
            .spawn(move || thread.run())?;
        Ok(Self { messages })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread may have ended on its own; then there is nobody to tell.
        let _ = self.messages.send(Message::End);
    }
}

struct Thread {
    folder: Arc<Mutex<Folder>>,
    news: Arc<signal::Sender<()>>,
    poll: Duration,
    reports: Reports,
    inbox: Receiver<Message>,
}

impl Thread {
    fn run(mut self) {
        let mut pending = Pending::default();
        let mut last_look = Instant::now();
        loop {
            let poll = if self.reports.are_coming() {
                self.poll
            } else {
                self.poll.min(WITHOUT_REPORTS)
            };
            let next_look = last_look + poll;
            let wake = pending.next().map_or(next_look, |due| due.min(next_look));
            match self
                .inbox
                .recv_timeout(wake.saturating_duration_since(Instant::now()))
            {
                Ok(Message::Report(Ok(event))) => {
                    pending.report(&event, self.reports.root(), Instant::now());
                }
                // Reports may be missing from here on.
                Ok(Message::Report(Err(_))) => pending.everything(Instant::now(), Duration::ZERO),
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if now >= next_look {
                last_look = now;
                if self.reports.renew() {
                    pending.everything(now, Duration::ZERO);
                }
                self.look(&Due::EverythingBut(pending.held()));
            }
            self.look(&pending.due(now));
        }
    }

    fn look(&self, due: &Due) {
        let mut folder = lock(&self.folder);
        match due {
            Due::Nothing => return,
            Due::Files(files) => folder.scan(files.clone()),
            Due::EverythingBut(held) => folder.scan_all(held),
        }
        drop(folder);
        // Consumers find out by themselves whether there is something for them.
        self.news.send_replace(());
    }
}
