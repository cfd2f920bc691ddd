//! What does not fit is refused with the place and the reason, and nothing is stored.

use super::{instance, orders, put_orders, schema};
use crate::test_app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn overrides_that_do_not_fit_the_tool_are_400() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    put_orders(&app, &upstream, schema(), json!({})).await;
    let wrong: [(Value, &str); 10] = [
        (
            json!({"hide": ["zone"]}),
            "tool_ids[0].hide[0]: the tool's input_schema has no property `zone`; there are region, q, limit",
        ),
        (
            json!({"defaults": {"zone": 1}}),
            "tool_ids[0].defaults.zone: the tool's input_schema has no property",
        ),
        (
            json!({"hide": ["region"]}),
            "tool_ids[0].hide[0]: the tool requires `region`: give it a value in `defaults`",
        ),
        (
            json!({"defaults": {"region": "mars"}}),
            "tool_ids[0].defaults.region: does not fit the tool's input_schema: /region: \"mars\" is not one of",
        ),
        (
            json!({"defaults": {"limit": "5"}}),
            "defaults.limit: does not fit",
        ),
        (
            json!({"hide": ["limit", "/limit"]}),
            "tool_ids[0].hide[1]: `/limit` appears twice",
        ),
        (
            json!({"hide": ["/limit/max"]}),
            "tool_ids[0].hide[0]: `/limit/max` is a part of an argument",
        ),
        (
            json!({"defaults": {"region": "{{ principal.sub }}"}}),
            "tool_ids[0].defaults.region: `{{` would be sent as it stands",
        ),
        (json!({"defaults": ["region"]}), "tool_ids[0].defaults: "),
        (json!({"hide": "region"}), "tool_ids[0].hide: "),
    ];
    for (overrides, says) in wrong {
        let text = app
            .admin()
            .put("/admin/ids/i", &instance(overrides.clone()))
            .await
            .error(400);
        assert!(text.contains(says), "{overrides}: {text}");
        app.admin().get("/admin/ids/i").await.error(404);
    }
}

#[tokio::test]
async fn what_a_schema_says_elsewhere_cannot_be_changed() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let mut combined = schema();
    combined["anyOf"] = json!([{"required": ["limit"]}, {"required": ["q"]}]);
    put_orders(&app, &upstream, combined, json!({})).await;
    let text = app
        .admin()
        .put("/admin/ids/i", &instance(json!({"hide": ["limit"]})))
        .await
        .error(400);
    assert!(
        text.contains("`anyOf` in the tool's input_schema speaks of `limit` too"),
        "{text}"
    );
    app.admin()
        .put("/admin/ids/i", &instance(json!({"defaults": {"region": "eu"}})))
        .await
        .ok();

    app.admin().delete("/admin/ids/i").await.ok();
    put_orders(&app, &upstream, json!({}), json!({"path": "/orders"})).await;
    let open = app
        .admin()
        .put("/admin/ids/j", &instance(json!({"defaults": {"region": "eu"}})))
        .await;
    assert!(
        open.clone().error(400).contains("declares no arguments"),
        "{open:?}"
    );
}

#[tokio::test]
async fn grouped_arguments_have_two_names() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let group = |names: &[&str]| {
        let members = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({"type": "string"})));
        json!({"type": "object", "properties": Value::Object(members.collect()), "required": names})
    };
    let grouped = json!({"type": "object", "properties": {
        "path": group(&["region"]), "query": group(&["q", "region"]), "header": group(&["X-Zone"])}, "required": ["path", "query", "header"]});
    put_orders(&app, &upstream, grouped, json!({})).await;
    for (overrides, says) in [
        (
            json!({"hide": ["region"]}),
            "`region` may be `/path/region` or `/query/region`; write which one",
        ),
        (
            json!({"hide": ["/query"]}),
            "`/query` is a group of arguments; name one of them: `/query/<name>`",
        ),
        (
            json!({"hide": ["/body/x"]}),
            "has no property `/body/x`; there are /path/region, /query/q, /query/region, /header/X-Zone",
        ),
        (json!({"hide": ["/path/region"]}), "the tool requires `region`"),
    ] {
        let text = app
            .admin()
            .put("/admin/ids/i", &instance(overrides.clone()))
            .await
            .error(400);
        assert!(text.contains(says), "{overrides}: {text}");
    }
    let fitting = json!({"defaults": {"/path/region": "eu", "X-Zone": "z1", "/query/region": "all"}, "hide": ["/path/region", "X-Zone"]});
    app.admin().put("/admin/ids/i", &instance(fitting)).await.ok();
    let listed = super::listed(&app, "i").await;
    assert_eq!(
        listed,
        json!({"type": "object", "required": ["query"], "properties": {
            "path": {"type": "object", "properties": {}}, "header": {"type": "object", "properties": {}},
            "query": {"type": "object", "required": ["q"], "properties": {"q": {"type": "string"}, "region": {"type": "string", "default": "all"}}}}})
    );
    app.mcp("i").call("orders", json!({"query": {"q": "tea"}})).await;
    let seen = upstream.last();
    assert_eq!(
        (seen.path.as_str(), seen.query.as_deref()),
        ("/eu/orders", Some("q=tea&region=all"))
    );
    assert_eq!(seen.headers["x-zone"], "z1");
    let refused = app
        .mcp("i")
        .call(
            "orders",
            json!({"query": {"q": "tea"}, "header": {"x-zone": "mine"}}),
        )
        .await;
    assert!(
        refused["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("/header/X-Zone: is not an argument of this tool"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_missing_var_is_named_with_the_tool_that_needs_it() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let more = json!({"headers": {"X-Base": "{{ instance.vars.base }}"}, "response": {"append": "{{ instance.vars.tail.text }}"}});
    put_orders(&app, &upstream, schema(), more.clone()).await;
    let text = app
        .admin()
        .put("/admin/ids/i", &instance(json!({})))
        .await
        .error(400);
    assert_eq!(
        text,
        "vars.base: is missing: the tool `orders` needs it in tds_ext_info.headers.X-Base; \
         vars.tail.text: is missing: the tool `orders` needs it in tds_ext_info.response.append"
    );
    let mut document = instance(json!({}));
    document["vars"] = json!({"base": 7, "tail": {"text": "end"}});
    app.admin().put("/admin/ids/i", &document).await.ok();
    let result = app
        .mcp("i")
        .call("orders", json!({"region": "eu", "q": "x"}))
        .await;
    assert_eq!(upstream.last().headers["x-base"], "7");
    assert!(
        result["content"][0]["text"].as_str().unwrap().ends_with("end"),
        "{result}"
    );

    // A tool that would need more than an instance has: the write that causes it is refused, naming both.
    let needy = orders(
        &upstream,
        schema(),
        json!({"headers": {"X-Base": "{{ instance.vars.other }}"}}),
    );
    let text = app.admin().put("/admin/tds/orders", &needy).await.error(409);
    assert!(
        text.contains("in the instance `i` the tool `orders` does not fit: vars.other: is missing"),
        "{text}"
    );
    assert_eq!(
        app.admin().get("/admin/tds/orders").await.data()["tds_ext_info"]["headers"],
        more["headers"]
    );
}
