//! Lists: order, pages, search.

use super::{instance, tool};
use crate::test_app::{Client, TestApp};
use mcp_common::key::Key;
use serde_json::{Value, json};

fn ids(data: &Value) -> Vec<String> {
    data.as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

/// All pages; `between` may change things after each.
async fn walk(client: &Client, path: &str, between: impl AsyncFn(usize)) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let next = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let body = client.get(&format!("{path}{next}")).await.ok().json();
        pages.push(ids(&body["data"]));
        match body["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return pages,
        }
        between(pages.len()).await;
    }
}

#[tokio::test]
async fn are_in_the_order_of_ids_and_paged() {
    let app = TestApp::start().await;
    let admin = app.admin();
    for id in ["b", "a10", "a2", "C", "é", "a"] {
        admin
            .put(
                &format!("/admin/tds/{id}"),
                &tool(id, id.replace('é', "e").as_str()),
            )
            .await
            .ok();
    }
    let sorted = ["C", "a", "a10", "a2", "b", "é"];
    assert_eq!(ids(&admin.get("/admin/tds").await.data()), sorted);
    for limit in 1..=7 {
        let pages = walk(&admin, &format!("/admin/tds?limit={limit}"), async |_| {}).await;
        assert_eq!(pages.concat(), sorted, "limit {limit}");
        assert!(
            pages.iter().all(|page| page.len() <= limit && !page.is_empty()),
            "{pages:?}"
        );
    }
    assert_eq!(ids(&admin.get("/admin/ids").await.data()), [""; 0]);
}

#[tokio::test]
async fn a_change_between_two_pages_neither_repeats_nor_loses_what_stays() {
    let app = TestApp::start().await;
    let admin = app.admin();
    for number in 0..30 {
        let id = format!("t{number:02}");
        admin.put(&format!("/admin/tds/{id}"), &tool(&id, &id)).await.ok();
    }
    let pages = walk(&admin, "/admin/tds?limit=7", async |page| {
        // What was shown last goes, something new comes before it, something changes after it.
        admin
            .delete(&format!("/admin/tds/t{:02}", page * 7 - 1))
            .await
            .ok();
        admin
            .put(&format!("/admin/tds/a{page}"), &tool("x", &format!("new{page}")))
            .await
            .ok();
        admin
            .put("/admin/tds/t29", &tool("t29", &format!("changed{page}")))
            .await
            .ok();
    })
    .await;
    let expected: Vec<String> = (0..30).map(|number| format!("t{number:02}")).collect();
    assert_eq!(pages.concat(), expected);
}

#[tokio::test]
async fn what_was_never_good_has_its_place_in_the_order() {
    let app = TestApp::start().await;
    for id in ["b", "d", "e"] {
        app.admin()
            .put(&format!("/admin/tds/{id}"), &tool(id, id))
            .await
            .ok();
    }
    for id in ["a", "c", "e", "f"] {
        app.store(Key::tool(id), r#"{"description":"never good"}"#).await;
    }
    app.store(Key::tool("text"), "no document").await;
    app.store(Key::instance("c"), "{}").await;
    for limit in 1..=7 {
        let pages = walk(&app.admin(), &format!("/admin/tds?limit={limit}"), async |_| {}).await;
        assert_eq!(pages.concat(), ["a", "b", "c", "d", "e", "f"], "limit {limit}");
    }
}

#[tokio::test]
async fn q_finds_text_in_id_name_and_description() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let mut by_description = tool("three", "third");
    by_description["description"] = json!("Liefert die GRÖSSE einer Order");
    admin
        .put("/admin/tds/order_1", &tool("order_1", "first"))
        .await
        .ok();
    admin.put("/admin/tds/two", &tool("two", "Find_Order")).await.ok();
    admin.put("/admin/tds/three", &by_description).await.ok();
    admin.put("/admin/tds/four", &tool("four", "fourth")).await.ok();
    admin.put("/admin/ids/order", &instance("order", &[])).await.ok();
    let found = async |q: &str| ids(&admin.get(&format!("/admin/tds?q={q}")).await.data());
    assert_eq!(found("ORDER").await, ["order_1", "three", "two"]);
    assert_eq!(found("gr%C3%B6sse").await, ["three"]);
    assert_eq!(found("tds_ext_info").await, [""; 0]);
    assert_eq!(found("").await.len(), 4);
    let pages = walk(&admin, "/admin/tds?q=order&limit=1", async |_| {}).await;
    assert_eq!(pages, [["order_1"], ["three"], ["two"]]);
}

#[tokio::test]
async fn what_cannot_be_a_page_is_400() {
    let app = TestApp::start().await;
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1&limit=2",
    ] {
        let text = app.admin().get(&format!("/admin/tds?{query}")).await.error(400);
        assert!(text.contains("limit"), "{query}: {text}");
    }
    for query in ["cursor=x", "cursor=", "cursor=%00", "cursor=aWRzCng"] {
        let text = app.admin().get(&format!("/admin/tds?{query}")).await.error(400);
        assert!(text.contains("cursor"), "{query}: {text}");
    }
    app.admin().get("/admin/tds?colour=green").await.ok();
}

#[tokio::test]
async fn the_whole_body() {
    let app = TestApp::start().await;
    app.admin().put("/admin/tds/a", &tool("a", "a")).await.ok();
    app.admin()
        .put("/admin/ids/i", &instance("i", &["a", "nowhere"]))
        .await
        .ok();
    app.admin().put("/admin/ids/j", &instance("j", &["a"])).await.ok();
    let body = app.admin().get("/admin/ids?limit=1").await.ok().json();
    insta::assert_json_snapshot!("list", body, {".data[].updated_at" => "[time]"});
}
