//! What happened in the gateway: heard of while its page is open, so that a gateway tells nobody what nobody looks at.

use crate::{
    cli::events::Told,
    client::{Gateway, News, follow},
};
use futures_util::{Stream, StreamExt, stream::LocalBoxStream};
use std::{collections::VecDeque, future::pending, time::Duration};

/// As many as a gateway keeps itself.
const KEPT: usize = 1_000;
/// So much is gathered before it is drawn: a busy gateway tells of thousands of calls a second.
const GATHERED: Duration = Duration::from_millis(100);

/// The last events.
#[derive(Default)]
pub(super) struct Happened {
    /// The oldest first.
    pub(super) events: VecDeque<Told>,
    /// Why none are heard at the moment.
    pub(super) trouble: Option<String>,
    /// The number of the last one.
    last: u64,
}

impl Happened {
    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Opened => self.trouble = None,
            News::Broken(error) | News::Refused(error) => self.trouble = Some(error.to_string()),
            News::Event(event) => {
                if let Some(id) = event.id.as_deref().and_then(|id| id.parse().ok()) {
                    self.last = id;
                }
                if self.events.len() == KEPT {
                    self.events.pop_front();
                }
                self.events.extend(Told::read(&event));
            }
        }
    }
}

/// Listens as long as it is wanted.
pub(super) struct Listener<'a> {
    gateway: &'a Gateway,
    followed: Option<LocalBoxStream<'a, Vec<News>>>,
}

impl<'a> Listener<'a> {
    pub(super) fn new(gateway: &'a Gateway) -> Self {
        Self {
            gateway,
            followed: None,
        }
    }

    /// Begins after what is known already, or ends.
    pub(super) fn listen(&mut self, is_wanted: bool, happened: &Happened) {
        if !is_wanted {
            self.followed = None;
        } else if self.followed.is_none() {
            let news = follow(self.gateway, "*", Some(happened.last));
            self.followed = Some(gathered(news).fuse().boxed_local());
        }
    }

    /// What came; never where nobody listens.
    pub(super) async fn heard(&mut self) -> Vec<News> {
        let Some(followed) = &mut self.followed else {
            return pending().await;
        };
        match followed.next().await {
            Some(news) => news,
            // It was refused: asking again would be, too, until the page is opened anew.
            None => pending().await,
        }
    }
}

fn gathered(news: impl Stream<Item = News>) -> impl Stream<Item = Vec<News>> {
    news.ready_chunks(KEPT).then(async |news| {
        tokio::time::sleep(GATHERED).await;
        news
    })
}
