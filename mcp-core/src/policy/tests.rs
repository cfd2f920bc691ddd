use super::*;
use crate::spec::Method;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::{
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Lets so many in at once, and writes down what is over.
#[derive(Default)]
struct Places {
    most: usize,
    taken: Arc<AtomicUsize>,
    over: Mutex<Vec<String>>,
}

struct Place(Arc<AtomicUsize>);

impl Held for Place {}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate for Places {
    fn admit(&self, _: &Asked<'_>) -> Result<Option<Hold>, Refusal> {
        if self.taken.fetch_add(1, Ordering::SeqCst) < self.most {
            return Ok(Some(Box::new(Place(self.taken.clone()))));
        }
        self.taken.fetch_sub(1, Ordering::SeqCst);
        Err(Refusal::Limited {
            reason: "too many at once".to_owned(),
            retry_after: Duration::from_secs(1),
            standing: None,
        })
    }

    fn over(&self, record: &Record) {
        let line = format!("{} {}", record.request_id(), record.status());
        self.over.lock().unwrap().push(line);
    }
}

fn asked(principal: &Principal) -> Asked<'_> {
    static PARTS: LazyLock<(Arc<str>, HeaderMap)> = LazyLock::new(|| ("i".into(), HeaderMap::new()));
    static ID: HeaderValue = HeaderValue::from_static("r");
    Asked {
        principal,
        action: Action::Mcp {
            instance: &PARTS.0,
            method: Method::ToolsCall,
            target: Some("t"),
            arguments: None,
        },
        common: &[],
        request: Asking {
            id: &ID,
            address: None,
            headers: &PARTS.1,
        },
    }
}

#[test]
fn what_gates_before_took_is_given_back_when_a_later_one_refuses_or_the_request_is_over() {
    let (wide, narrow) = (
        Arc::new(Places {
            most: 5,
            ..Places::default()
        }),
        Arc::new(Places {
            most: 1,
            ..Places::default()
        }),
    );
    let policy = Policy::new(vec![wide.clone(), narrow]);
    let principal = Principal::named("ann");
    let first = policy.admit(&asked(&principal)).ok().unwrap();
    assert!(matches!(
        policy.admit(&asked(&principal)),
        Err(Refusal::Limited { .. })
    ));
    assert_eq!(wide.taken.load(Ordering::SeqCst), 1);
    drop(first);
    assert_eq!(wide.taken.load(Ordering::SeqCst), 0);
    assert!(policy.admit(&asked(&principal)).is_ok());
}

#[test]
fn every_request_is_over_once_also_one_whose_client_went_away() {
    let places = Arc::new(Places::default());
    let policy = Policy::new(vec![places.clone()]);
    policy
        .record(Door::Mcp, &HeaderValue::from_static("a"))
        .answered(StatusCode::OK);
    drop(policy.record(Door::Admin, &HeaderValue::from_static("b")));
    assert_eq!(*places.over.lock().unwrap(), ["a 200", "b 499"]);
}

#[test]
fn administrators_alone_come_in_at_their_door() {
    let policy = Policy::default();
    let user = Principal::named("ann");
    let admin = Principal {
        admin: true,
        ..user.clone()
    };
    assert_eq!(
        policy.enter(Door::Mcp, Some("i"), Ok(user.clone())),
        Ok(user.clone())
    );
    assert_eq!(policy.enter(Door::Admin, None, Ok(admin.clone())), Ok(admin));
    assert!(matches!(
        policy.enter(Door::Admin, None, Ok(user)),
        Err(Refusal::Forbidden(_))
    ));
    let nobody = policy.enter(Door::Admin, None, Ok(Principal::anonymous()));
    assert_eq!(nobody, Err(Refusal::Unauthenticated(Denied::Missing)));
}
