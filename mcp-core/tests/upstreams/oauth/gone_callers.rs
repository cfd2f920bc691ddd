//! What callers have connected goes with them.

use super::{
    by_callers::{USER, begin, call_as, code, connect, is_without, listed, ticket},
    place::{Place, files},
};
use crate::setup::{hub_with, ready};
use serde_json::json;

#[tokio::test]
async fn accounts_links_and_logins_go_with_the_key_that_they_are_of() {
    let place = Place::start().await;
    let hub = listed(&place).await;
    for owner in ["key k7", "key k8", "anna"] {
        connect(&place, &hub, owner).await;
        call_as(&hub, Some(owner)).await.unwrap();
    }
    assert_eq!(files(&place.logins()).len(), 4);
    let link = hub.connect_link(ticket("key k7")).unwrap();
    let text = link.rsplit('/').next().unwrap().to_owned();
    let begun = begin(&hub, "key k7", "a-browser").await;

    hub.keep_callers(&|owner| owner != "key k7");
    let owners: Vec<_> = hub.grants().into_iter().map(|grant| grant.owner).collect();
    assert_eq!(owners, ["anna".into(), "key k8".into()]);
    assert_eq!(files(&place.logins()).len(), 3);
    // A later key of the same id has nothing of it, whatever its holder of before comes back with.
    assert!(is_without(&call_as(&hub, Some("key k7")).await));
    assert_eq!(hub.ticket(&text), None);
    let issuer = place.book.issuer.clone();
    let late = hub.finish_login(&begun["state"], (Some(&issuer), Some("a-browser")), code());
    assert!(
        late.await
            .unwrap_err()
            .to_string()
            .contains("waits for no such login")
    );
    assert!(is_without(&call_as(&hub, Some("key k7")).await));
    for owner in ["key k8", "anna"] {
        call_as(&hub, Some(owner)).await.unwrap();
    }

    // It does not come back with a restart, and can be connected anew.
    drop(hub);
    let hub = hub_with(place.settings(), &place.document(&json!({"type": USER})));
    ready(&hub).await;
    hub.reached_at(Some("http://127.0.0.1:8080/"));
    assert!(is_without(&call_as(&hub, Some("key k7")).await));
    connect(&place, &hub, "key k7").await;
    call_as(&hub, Some("key k7")).await.unwrap();
}
