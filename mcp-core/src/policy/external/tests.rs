use super::*;
use async_trait::async_trait;
use mcp_common::{authenticator::Principal, authorizer::Caller};
use std::sync::atomic::AtomicUsize;

/// Says what it was told to, and counts how often and how many at once.
struct Scripted {
    opinion: Result<Opinion, String>,
    takes: Duration,
    asked: AtomicUsize,
    at_once: AtomicUsize,
    most: AtomicUsize,
}

impl Scripted {
    fn new(opinion: Result<Opinion, String>, takes: Duration) -> Arc<Self> {
        Arc::new(Self {
            opinion,
            takes,
            asked: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Authorizer for Scripted {
    async fn decide(&self, _: &Question<'_>) -> Result<Opinion, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let now = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        tokio::time::sleep(self.takes).await;
        self.at_once.fetch_sub(1, Ordering::Relaxed);
        self.opinion.clone()
    }
}

const SETTINGS: ExternalSettings = ExternalSettings {
    fails_open: false,
    patience: Duration::from_millis(500),
    kept: Duration::from_secs(60),
    most_at_once: 2,
    with_arguments: false,
};

fn external(authorizer: &Arc<Scripted>, settings: ExternalSettings) -> External {
    External::new(authorizer.clone(), settings, ExternalMetrics::default())
}

fn question<'a>(principal: &'a Principal, tool: &'a str) -> Question<'a> {
    Question {
        principal: Caller::of(principal),
        action: "tools/call",
        instance: "i",
        tool: Some(tool),
        resource: None,
        prompt: None,
        arguments: None,
    }
}

#[tokio::test]
async fn an_answer_is_good_for_the_same_question_alone() {
    let authorizer = Scripted::new(Ok(Opinion::Allow), Duration::ZERO);
    let external = external(&authorizer, SETTINGS);
    let (ada, bob) = (Principal::named("ada"), Principal::named("bob"));
    for (principal, tool, asked) in [(&ada, "t", 1), (&ada, "t", 1), (&bob, "t", 2), (&ada, "u", 3)] {
        let said = external.ask(&question(principal, tool)).await;
        assert_eq!(said, (Verdict::Allowed, None));
        assert_eq!(authorizer.asked.load(Ordering::Relaxed), asked);
    }
}

#[tokio::test]
async fn without_an_answer_it_is_as_the_operator_says_and_nothing_is_remembered() {
    let silent = Scripted::new(Ok(Opinion::Allow), Duration::from_secs(60));
    let broken = Scripted::new(Err("it answers 500".to_owned()), Duration::ZERO);
    for authorizer in [silent, broken] {
        for (fails_open, verdict) in [(false, Verdict::FailedClosed), (true, Verdict::FailedOpen)] {
            let settings = ExternalSettings {
                fails_open,
                patience: Duration::from_millis(20),
                ..SETTINGS
            };
            let external = external(&authorizer, settings);
            let ada = Principal::named("ada");
            for _ in 0..2 {
                let before = authorizer.asked.load(Ordering::Relaxed);
                let (said, reason) = external.ask(&question(&ada, "t")).await;
                assert_eq!((said, reason.is_none()), (verdict, fails_open));
                assert!(!reason.unwrap_or_default().contains("500"));
                assert_eq!(authorizer.asked.load(Ordering::Relaxed), before + 1);
            }
        }
    }
}

#[tokio::test]
async fn no_more_are_asked_at_once_than_is_allowed() {
    let authorizer = Scripted::new(Ok(Opinion::Allow), Duration::from_millis(10));
    let external = external(&authorizer, SETTINGS);
    let ada = Principal::named("ada");
    let tools: Vec<String> = (0..8).map(|number| format!("t{number}")).collect();
    let asking = tools.iter().map(|tool| {
        let question = question(&ada, tool);
        let external = &external;
        async move { external.ask(&question).await }
    });
    for said in futures_util::future::join_all(asking).await {
        assert_eq!(said, (Verdict::Allowed, None));
    }
    assert_eq!(authorizer.most.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_is_too_long_to_be_asked_is_refused_even_where_failures_are_open() {
    let authorizer = Scripted::new(Ok(Opinion::Allow), Duration::ZERO);
    let settings = ExternalSettings {
        fails_open: true,
        ..SETTINGS
    };
    let external = external(&authorizer, settings);
    let (ada, long) = (Principal::named("ada"), "t".repeat(LONGEST));
    let (verdict, reason) = external.ask(&question(&ada, &long)).await;
    assert!(!verdict.is_allowed() && reason.is_some());
    assert_eq!(authorizer.asked.load(Ordering::Relaxed), 0);
}
