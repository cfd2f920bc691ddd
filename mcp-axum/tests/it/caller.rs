//! What definitions may say of the caller: roles and claims of its principal, and the headers of its request that the
//! operator allows.

use crate::test_app::{McpClient, TestApp, Upstream};
use reqwest::Method;
use serde_json::{Value, json};

async fn put(
    app: &TestApp,
    upstream: &Upstream,
    id: &str,
    schema: &Value,
    more: &Value,
) -> Result<(), String> {
    let mut binding = json!({"domain": upstream.origin(), "method": "GET", "path": "/things"});
    for (name, value) in more.as_object().unwrap() {
        binding[name] = value.clone();
    }
    let document =
        json!({"name": id, "description": "A thing.", "input_schema": schema, "tds_ext_info": binding});
    let answer = app.admin().put(&format!("/admin/tds/{id}"), &document).await;
    match answer.status {
        200 => Ok(()),
        400 => Err(answer.json()["error"].as_str().unwrap().to_owned()),
        _ => panic!("{answer:?}"),
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn roles_and_claims_are_typed_values_wherever_templates_stand() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let more = json!({
        "method": "POST", "path": "/accounts/{account}",
        "params": [
            {"name": "account", "in": "path", "const": "{{ principal.claims.account }}", "hidden": true},
            {"name": "plan", "in": "query", "default": "{{ principal.claims.org.plan }}"},
        ],
        "headers": {
            "X-Tenant": "{{ principal.claims.Tenant }}",
            "X-Region": "{{ principal.claims[\"https://a.example/region\"] }}",
            "X-Mixed": "t-{{ principal.claims['https://a.example/region'] | upper }}-{{ principal.claims.account }}",
            "X-Ops": "{{ 'yes' if 'ops' in principal.roles else 'no' }}",
        },
        "query": {"role": "{{ principal.roles }}", "next": "{{ principal.claims.account + 1 }}"},
        "body": {"template": {
            "org": "{{ principal.claims.org }}", "roles": "{{ principal.roles }}", "first": "{{ principal.roles[0] }}",
            "account": "{{ principal.claims.account }}",
        }},
        "response": {
            "success": "'billing' in principal.roles and principal.claims.org.id == 7",
            "template": "{{ principal.claims.Tenant }}/{{ principal.claims.account }}: {{ principal.roles | join('+') }}",
        },
    });
    put(
        &app,
        &upstream,
        "t",
        &json!({"type": "object", "properties": {"plan": {}}}),
        &more,
    )
    .await
    .unwrap();
    app.put_instance("i", &["t"]).await;
    let result = app.mcp("i").call("t", json!({})).await;
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(text(&result), "acme/9007199254740993: billing+ops");
    let seen = upstream.last();
    assert_eq!(seen.path, "/accounts/9007199254740993");
    assert_eq!(
        seen.query.as_deref(),
        Some("role=billing&role=ops&next=9007199254740994&plan=pro")
    );
    for (name, expected) in [
        ("x-tenant", "acme"),
        ("x-region", "eu"),
        ("x-mixed", "t-EU-9007199254740993"),
        ("x-ops", "yes"),
    ] {
        assert_eq!(seen.headers[name], expected, "{name}");
    }
    let sent = String::from_utf8(seen.body).unwrap();
    assert_eq!(
        sent,
        r#"{"org":{"id":7,"plan":"pro"},"roles":["billing","ops"],"first":"billing","account":9007199254740993}"#
    );
}

#[tokio::test]
async fn a_claim_that_the_caller_has_not_ends_the_call_by_its_name_before_anything_is_sent() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let needy = [
        (
            "whole",
            json!({"headers": {"X-T": "{{ principal.claims.tenant }}"}}),
            "headers.X-T",
        ),
        (
            "mixed",
            json!({"headers": {"X-T": "{{ args.a }}-{{ principal.claims.tenant }}"}}),
            "headers.X-T",
        ),
        (
            "filtered",
            json!({"query": {"t": "{{ principal.claims['tenant'] | upper }}"}}),
            "query.t",
        ),
        (
            "deep",
            json!({"params": [{"name": "t", "in": "query", "const": "{{ principal.claims.tenant.id }}"}]}),
            "params[0].const",
        ),
        (
            "body",
            json!({"method": "POST", "body": {"template": {"a": "{{ args.a }}", "t": "{{ principal.claims.tenant }}"}}}),
            "body.template.t",
        ),
    ];
    let ids: Vec<&str> = needy.iter().map(|(id, ..)| *id).collect();
    for (id, more, _) in &needy {
        put(&app, &upstream, id, &schema, more).await.unwrap();
    }
    let easy = json!({"headers": {
        "X-Default": "{{ principal.claims.tenant | default('none') }}",
        "X-Asked": "{{ 'yes' if principal.claims.tenant is defined else 'no' }}",
        "X-Ops": "{{ 'ops' in principal.roles }}",
    }});
    put(&app, &upstream, "easy", &schema, &easy).await.unwrap();
    app.put_instance("i", &[&ids[..], &["easy"]].concat()).await;

    let admin = McpClient::new(app.admin(), "i");
    for (id, _, field) in &needy {
        let result = admin.call(id, json!({"a": "x"})).await;
        let told = text(&result);
        assert_eq!(result["isError"], true, "{id}: {told}");
        assert!(told.contains("`principal.claims.tenant"), "{id}: {told}");
        assert!(told.contains(&format!("`tds_ext_info.{field}`")), "{id}: {told}");
    }
    assert!(upstream.requests().is_empty(), "something was sent");

    // An argument that is missing too is blamed as ever.
    let result = admin.call("mixed", json!({})).await;
    assert!(text(&result).contains("/a: "), "{result}");

    admin.call("easy", json!({})).await;
    let seen = upstream.last();
    assert_eq!(seen.headers["x-default"], "none");
    assert_eq!(seen.headers["x-asked"], "no");
    assert_eq!(seen.headers["x-ops"], "false");
}

#[tokio::test]
async fn an_answer_that_cannot_be_told_for_want_of_a_claim_says_so() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let more = json!({"response": {"template": "for {{ principal.claims.tenant }}"}});
    put(&app, &upstream, "t", &json!({}), &more).await.unwrap();
    app.put_instance("i", &["t"]).await;
    let result = McpClient::new(app.admin(), "i").call("t", json!({})).await;
    assert_eq!(result["isError"], true);
    let told = text(&result);
    assert!(
        told.contains("`response.template`") && told.contains("`principal.claims.tenant`"),
        "{told}"
    );
}

#[tokio::test]
async fn only_headers_that_the_operator_names_reach_templates() {
    let app = TestApp::with(&[("templates.request_headers", "X-Tenant, x-note")]).await;
    let upstream = app.upstream().await;
    let more = json!({
        "headers": {"X-Upstream-Tenant": "{{ request.headers[\"X-TENANT\"] }}"},
        "query": {"note": "n:{{ request.headers['x-note'] | default('-') }}"},
        "response": {"template": "{{ request.headers['X-Tenant'] }} of {{ headers['content-type'] }}"},
    });
    put(&app, &upstream, "t", &json!({}), &more).await.unwrap();
    app.put_instance("i", &["t"]).await;
    let with = |headers: &[(&'static str, &str)]| {
        let client = headers.iter().fold(app.user(), |client, (name, value)| {
            client.with_header(name, value)
        });
        McpClient::new(client, "i")
    };
    let result = with(&[("x-tenant", "acme"), ("x-secret", "s")])
        .call("t", json!({}))
        .await;
    assert_eq!(text(&result), "acme of application/json");
    let seen = upstream.last();
    assert_eq!(seen.headers["x-upstream-tenant"], "acme");
    assert_eq!(seen.query.as_deref(), Some("note=n%3A-"));
    for never in ["x-tenant", "x-secret", "authorization"] {
        assert!(!seen.headers.contains_key(never), "{never} was passed on");
    }
    with(&[("x-tenant", "acme"), ("x-note", "a"), ("x-note", "b c")])
        .call("t", json!({}))
        .await;
    assert_eq!(upstream.last().query.as_deref(), Some("note=n%3Aa%2C%20b%20c"));

    let before = upstream.requests().len();
    let result = with(&[]).call("t", json!({})).await;
    let told = text(&result);
    assert_eq!(result["isError"], true);
    assert!(
        told.contains("`request.headers[\"x-tenant\"]`") && told.contains("headers.X-Upstream-Tenant"),
        "{told}"
    );
    assert_eq!(upstream.requests().len(), before, "something was sent");
}

#[tokio::test]
async fn what_cannot_be_named_is_refused_when_the_definition_is_written() {
    let app = TestApp::with(&[("templates.request_headers", "X-Tenant")]).await;
    let upstream = app.upstream().await;
    for (template, expected) in [
        (
            "{{ request.headers['X-Other'] }}",
            "`x-other` of the client's request, which is not in `templates.request_headers`",
        ),
        (
            "a {{ request.headers['X-Other'] | default('') }}",
            "which is not in `templates.request_headers`",
        ),
        (
            "{{ request.headers.Authorization }}",
            "`authorization` is between the client and the gateway",
        ),
        (
            "{{ request.headers['x-api-key'] | default('') }}",
            "`x-api-key` is between the client and the gateway",
        ),
        (
            "{{ request.headers[args.a] }}",
            "names the client's request as a whole",
        ),
        ("{{ request.headers }}", "names the client's request as a whole"),
        ("{{ request.method }}", "known is only `request.headers"),
        ("{{ principal.claims }}", "names `principal.claims` as a whole"),
        (
            "{{ principal.claims[args.a] }}",
            "names `principal.claims` as a whole",
        ),
        (
            "{{ principal.role }}",
            "known are `principal.sub`, `principal.roles` and `principal.claims.<name>`",
        ),
        ("{{ principal.roles.ops }}", "roles are a list"),
    ] {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let in_request = json!({"headers": {"X-A": template}});
        let refusal = put(&app, &upstream, "t", &schema, &in_request).await.unwrap_err();
        assert!(
            refusal.contains("tds_ext_info.headers.X-A"),
            "{template}: {refusal}"
        );
        assert!(refusal.contains(expected), "{template}: {refusal}");
        let in_answer = json!({"response": {"append": template}});
        let refusal = put(&app, &upstream, "t", &schema, &in_answer).await.unwrap_err();
        assert!(
            refusal.contains("tds_ext_info.response.append"),
            "{template}: {refusal}"
        );
        assert!(refusal.contains(expected), "{template}: {refusal}");
    }
    app.admin().get("/admin/tds/t").await.expect(404);
}

#[tokio::test]
async fn explain_shows_the_call_of_any_caller() {
    let app = TestApp::with(&[("templates.request_headers", "X-Tenant")]).await;
    let upstream = app.upstream().await;
    let more = json!({"headers": {
        "X-Who": "{{ principal.sub }}", "X-Account": "{{ principal.claims.account }}", "X-Ops": "{{ 'ops' in principal.roles }}",
        "X-T": "{{ request.headers['X-Tenant'] }}",
    }});
    put(&app, &upstream, "t", &json!({}), &more).await.unwrap();
    let explain = async |body: &str| {
        let client = app.admin();
        let request = client.request(Method::POST, "/admin/tds/t/explain");
        client.send(request.body(body.to_owned())).await.ok().json()["data"].take()
    };
    let told = explain(
        r#"{"principal": {"sub": "ann", "roles": ["ops"], "claims": {"account": 123456789012345678901234567890}}, "headers": {"x-tenant": "acme"}}"#,
    )
    .await;
    assert_eq!(told["valid"], true, "{told}");
    let headers = told["request"]["headers"].to_string();
    for expected in ["ann", "123456789012345678901234567890", "true", "acme"] {
        assert!(headers.contains(expected), "{headers}");
    }
    let told = explain(r#"{"principal": {"claims": {"account": 1}}}"#).await;
    assert_eq!(told["valid"], false, "{told}");
    assert!(told["problems"].to_string().contains("request.headers"), "{told}");
    let who = told["placements"]
        .as_array()
        .unwrap()
        .iter()
        .find(|placement| placement["as"] == "X-Who");
    assert_eq!(who.unwrap()["written"], "admin", "{told}");
}
