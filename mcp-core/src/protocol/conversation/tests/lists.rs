//! What the server offers is listed, and announced when it changes.

use super::*;

#[tokio::test]
async fn lists_of_every_kind_come_in_pages_where_the_instance_has_them() {
    let world = World::new();
    let discovered = body(world.modern("server/discover", json!({})).await);
    let capabilities = &discovered["result"]["capabilities"];
    assert_eq!(
        capabilities,
        &json!({"tools": {"listChanged": true}, "resources": {"listChanged": true}})
    );
    let page = body(world.modern("resources/list", json!({})).await);
    let uris = |page: &Value| -> Vec<_> {
        let resources = page["result"]["resources"].as_array().unwrap();
        resources
            .iter()
            .map(|one| one["uri"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(uris(&page), ["x:a", "x:b"]);
    let cursor = page["result"]["nextCursor"].clone();
    let last = body(world.modern("resources/list", json!({"cursor": cursor})).await);
    assert_eq!(uris(&last), ["x:c"]);
    assert_eq!(last["result"]["cacheScope"], "private");
    let templates = body(world.modern("resources/templates/list", json!({})).await);
    assert_eq!(templates["result"]["resourceTemplates"], json!([]));

    let read = body(world.modern("resources/read", json!({"uri": "x:a"})).await);
    assert_eq!(
        (text(&read), &read["result"]["ttlMs"]),
        ("resources/read \"x:a\"", &json!(0))
    );
    let unknown = body(world.modern("resources/read", json!({"uri": "x:z"})).await);
    assert_eq!(
        (&unknown["error"]["code"], &unknown["error"]["data"]["uri"]),
        (&json!(-32602), &json!("x:z"))
    );
    let session = world.session().await;
    let older = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "x:z"}});
    assert_eq!(
        body(world.in_session(&session, &older).await)["error"]["code"],
        -32002
    );
    let prompts = world.modern("prompts/list", json!({})).await;
    assert_eq!(prompts.status, 404);
}

#[tokio::test]
async fn an_inventory_that_changes_is_shown_and_its_list_alone_is_announced() {
    let world = World::new();
    *world.shelf.prompts.lock().unwrap() = Some(vec!["a"]);
    let gateway = world.endpoint.gateway().clone();
    let announcing = gateway.clone();
    let announcer = tokio::spawn(async move { announcing.announce_changes().await });
    let wanted = json!({"notifications": {"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true}});
    let mut events = events(world.modern("subscriptions/listen", wanted.clone()).await);
    let acknowledged = next(&mut events).await.unwrap();
    assert_eq!(acknowledged["params"]["notifications"], wanted["notifications"]);

    *world.shelf.prompts.lock().unwrap() = Some(vec!["a", "b"]);
    world.shelf.epoch.fetch_add(1, Ordering::SeqCst);
    gateway.changed([&Arc::from("i")]);
    let changed = next(&mut events).await.unwrap();
    assert_eq!(changed["method"], "notifications/prompts/list_changed");
    let prompts = body(world.modern("prompts/list", json!({})).await);
    assert_eq!(
        prompts["result"]["prompts"],
        json!([{"name": "a"}, {"name": "b"}])
    );

    // Nothing that anybody could see: the view is made again, and nothing is said.
    let built = gateway.metrics.views_built.get();
    gateway.changed([&Arc::from("i")]);
    while gateway.metrics.views_built.get() == built {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gateway.shutdown.cancel();
    let end = next(&mut events).await.unwrap();
    assert_eq!(end["result"]["resultType"], "complete", "{end}");
    announcer.await.unwrap();
}
