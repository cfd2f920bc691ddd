//! What a server tells beside its answers: that a list changed, that a resource changed. 2026-07-28 has one subscription
//! for all of it, earlier revisions tell of lists anyway and of resources one by one.

use super::{
    error::UpstreamError,
    outgoing::Speech,
    session::{Question, Session, within},
    watched::{Answer, Watched},
};
use serde_json::json;
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

/// How long a server may take to say what of a subscription it honours.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long further resources are waited for.
const GATHER: Duration = Duration::from_millis(20);
/// The first wait before a subscription that ended is made anew.
const WAIT: Duration = Duration::from_millis(500);
/// The longest one.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Follows the server for as long as it has something to tell.
pub(super) async fn follow(session: Arc<Session>, watched: Arc<Watched>) {
    watched.begin();
    match session.speech {
        Speech::Modern => subscribe(&session, &watched).await,
        _ => one_by_one(&session, &watched).await,
    }
}

/// Earlier revisions.
async fn one_by_one(session: &Session, watched: &Watched) {
    let mut asked = BTreeSet::new();
    loop {
        let now: BTreeSet<_> = watched.uris().into_iter().collect();
        for uri in asked.difference(&now) {
            let _ = ask(session, "resources/unsubscribe", uri).await;
        }
        for uri in now.difference(&asked) {
            let answer = match ask(session, "resources/subscribe", uri).await {
                Ok(()) => Answer::Told,
                Err(error) if error.is_lost() => return,
                Err(error) => {
                    tracing::debug!(uri = &**uri, %error, "an upstream does not tell of a resource");
                    Answer::Refused
                }
            };
            watched.answered(uri, answer);
        }
        asked = now;
        watched.changed.notified().await;
    }
}

async fn ask(session: &Session, method: &str, uri: &str) -> Result<(), UpstreamError> {
    let question = Question {
        method,
        params: format!("\"uri\":{}", json!(uri)).into(),
        ..Question::default()
    };
    let asking = session.ask(&question);
    within(asking, PATIENCE, "the subscription", "list_ms").await?;
    Ok(())
}

/// 2026-07-28. A subscription with other resources is there before the one that it takes the place of is given up.
async fn subscribe(session: &Arc<Session>, watched: &Watched) {
    let features = session.about.features;
    let mut failures = 0_u32;
    let mut before: Option<AbortOnDropHandle<_>> = None;
    loop {
        let uris = match features.subscriptions {
            true => watched.uris(),
            false => Vec::new(),
        };
        let wanted = wanted(&features.wanted(), &uris);
        if wanted.is_empty() {
            if !features.subscriptions {
                return;
            }
            watched.changed.notified().await;
            continue;
        }
        let (id, honoured) = session.expect_subscription();
        let asking = session.clone();
        let mut listening = AbortOnDropHandle::new(tokio::spawn(async move {
            let question = Question {
                method: "subscriptions/listen",
                params: format!("\"notifications\":{{{wanted}}}").into(),
                ..Question::default()
            };
            asking.ask_as(id, &question).await.map(drop)
        }));
        let is_there = tokio::select! {
            honoured = first(honoured) => {
                let honoured: Option<HashSet<String>> = honoured.map(|all| all.into_iter().collect());
                for uri in &uris {
                    let is_told = honoured.as_ref().is_none_or(|all| all.contains(&**uri));
                    watched.answered(uri, if is_told { Answer::Told } else { Answer::Refused });
                }
                None
            }
            ended = &mut listening => Some(ended),
        };
        drop(before.take());
        let ended = match is_there {
            Some(ended) => ended,
            None => {
                // What was told while nobody listened does not come again.
                if failures > 0 {
                    session.news.changed.notify_one();
                }
                failures = 0;
                tokio::select! {
                    ended = &mut listening => ended,
                    () = watched.changed.notified() => {
                        // Each subscription names all resources: those that come together are asked for together.
                        tokio::time::sleep(GATHER).await;
                        before = Some(listening);
                        continue;
                    }
                }
            }
        };
        if let Ok(Err(error)) = &ended
            && is_final(error)
        {
            for uri in &uris {
                watched.answered(uri, Answer::Refused);
            }
            return;
        }
        watched.begin();
        failures += 1;
        let wait = WAIT.saturating_mul(1 << failures.min(6));
        tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
    }
}

/// What the server honours; `None` where it does not say so in time.
async fn first(honoured: oneshot::Receiver<Vec<String>>) -> Option<Vec<String>> {
    tokio::time::timeout(PATIENCE, honoured).await.ok()?.ok()
}

/// Whether the server has no such thing, and will not have it in a while either.
fn is_final(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Rpc(_) => true,
        UpstreamError::Status { status, .. } => (400..500).contains(status),
        _ => false,
    }
}

fn wanted(lists: &str, uris: &[Arc<str>]) -> String {
    let mut wanted = lists.to_owned();
    if !uris.is_empty() {
        let comma = if wanted.is_empty() { "" } else { "," };
        wanted += &format!("{comma}\"resourceSubscriptions\":{}", json!(uris));
    }
    wanted
}
