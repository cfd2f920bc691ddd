//! What a gate of the policy lets in, and what it is told.

use super::*;

/// Lets nobody see `fails`, and counts what is open.
#[derive(Default)]
struct Doorkeeper(Arc<()>, Mutex<Vec<String>>);

struct Open(#[expect(dead_code, reason = "is counted")] Arc<()>);

impl Held for Open {}

impl Gate for Doorkeeper {
    fn admit(&self, asked: &Asked<'_>) -> Result<Option<Hold>, Refusal> {
        match asked.action {
            Action::Mcp {
                target: Some("fails"),
                ..
            } => Err(Refusal::Hidden),
            Action::Mcp {
                method: Method::ResourcesList,
                ..
            } => Err(Refusal::Limited {
                reason: "one list a minute".to_owned(),
                retry_after: Duration::from_secs(60),
                standing: None,
            }),
            _ => Ok(Some(Box::new(Open(self.0.clone())))),
        }
    }

    fn over(&self, record: &Record) {
        let Trace {
            method,
            tool,
            outcome,
            ..
        } = &record.trace;
        let line = format!(
            "{method} {} {outcome:?} {}",
            tool.as_deref().unwrap_or_default(),
            record.status()
        );
        self.1.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn what_the_policy_says_stands_between_the_envelope_and_the_method() {
    let gate = Arc::new(Doorkeeper::default());
    let world = World::with(Policy::new(vec![gate.clone()]));
    let open = || Arc::strong_count(&gate.0) - 1;
    let hidden = body(world.modern("tools/call", json!({"name": "fails"})).await);
    let unknown = body(world.modern("tools/call", json!({"name": "fails not"})).await);
    assert_eq!(hidden["error"]["code"], unknown["error"]["code"]);
    assert_eq!(hidden["error"]["message"], "Unknown tool: fails");

    let limited = world.modern("resources/list", json!({})).await;
    assert_eq!(
        (limited.status.as_u16(), limited.retry_after),
        (429, Some(Duration::from_secs(60)))
    );
    assert_eq!(body(limited)["error"]["message"], "one list a minute");

    body(world.modern("tools/list", json!({})).await);
    assert_eq!(open(), 0);
    let record = world
        .endpoint
        .gateway()
        .policy
        .record(Door::Mcp, &HeaderValue::from_static("r"));
    let talks = world.modern("tools/call", json!({"name": "talks"})).await;
    let (talks, record) = talks.recorded(record);
    assert!(record.is_none(), "it goes with the stream");
    let mut events = events(talks);
    assert_eq!(open(), 1, "its stream is open");
    while next(&mut events).await.is_some() {}
    assert!(gate.1.lock().unwrap().is_empty());
    drop(events);
    assert_eq!(open(), 0);
    assert_eq!(*gate.1.lock().unwrap(), ["tools/call talks Some(Ok) 200"]);
}
