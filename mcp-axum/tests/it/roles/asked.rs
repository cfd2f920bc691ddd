//! What is said of rights: to whoever asks for themselves, and to whoever asks about the holder of a key.

use super::{key, post, put_role, shop};
use crate::test_app::McpClient;
use serde_json::{Value, json};

#[tokio::test]
async fn whoever_asks_is_told_what_they_may_do_themselves() {
    let app = shop().await;
    let editor = key(&app, json!({"name": "ed", "roles": ["editor"]})).await;
    let path = "/admin/access?actions=admin/tds/write,%20admin/secrets/write,audit/read,,nonsense";
    let said = editor.get(path).await.data();
    let expected = json!({"admin/tds/write": true, "admin/secrets/write": false, "audit/read": false, "nonsense": false});
    assert_eq!(said, json!({"principal": "ed", "actions": expected}));
    // What is said is what is done.
    editor.put("/admin/ids/new", &json!({"name": "New"})).await.ok();
    editor
        .put("/admin/secrets/new", &json!({"value": "v"}))
        .await
        .error(403);
    let all = app.admin().get(path).await.data();
    assert_eq!(all["actions"]["admin/secrets/write"], true, "{all}");
    let many = vec!["admin/tds/read"; 101].join(",");
    let refusal = editor
        .get(&format!("/admin/access?actions={many}"))
        .await
        .error(400);
    assert_eq!(
        refusal,
        "actions: 101 are named, at most 100 are answered at once"
    );
    // Whoever may not look at rights is not told of any.
    put_role(
        &app,
        "narrow",
        json!({"allow": [{"actions": ["admin/status/read"]}]}),
    )
    .await;
    let narrow = key(&app, json!({"name": "nan", "roles": ["narrow"]})).await;
    narrow.get(path).await.error(403);
}

#[tokio::test]
async fn what_somebody_may_do_and_why_is_explained() {
    let app = shop().await;
    put_role(
        &app,
        "payer",
        json!({"allow": [{"actions": ["*"], "instances": ["shop"], "tools": ["pay_order"], "when": "args.amount < 1000"}]}),
    )
    .await;
    let holder = key(&app, json!({"name": "ann", "roles": ["payer"]})).await;
    let ask = async |question: Value| post(&app.admin(), "/admin/access/explain", &question).await;
    let question = |amount: u32| json!({"key": "ann", "instance": "shop", "tool": "pay_order", "arguments": {"amount": amount}});
    let allowed = ask(question(1)).await.data();
    assert_eq!(
        allowed["instance"],
        json!({"open": true, "tools": ["pay_order"], "hidden": 2})
    );
    assert_eq!(
        allowed["tool"],
        json!({"allowed": true, "rule": "role `payer`, allow[0]"})
    );
    let refused = ask(question(5000)).await.data();
    let reason = refused["tool"]["reason"].as_str().unwrap();
    let client = McpClient::new(holder.clone(), "shop");
    let seen = client.call("pay_order", json!({"amount": 5000})).await;
    assert_eq!(seen["content"][0]["text"], reason, "a caller is told the same");
    let other =
        ask(json!({"key": "ann", "instance": "back", "tool": "drop_orders", "action": "admin/tds/read"}))
            .await
            .data();
    assert_eq!(other["instance"]["open"], false);
    assert_eq!(
        other["tool"]["reason"],
        "the key does not open the instance `back`"
    );
    assert_eq!(other["action"]["allowed"], false);
    // Of a role, without any key of it.
    let of_role = |amount: u32| {
        let mut asked = question(amount);
        asked.as_object_mut().unwrap().remove("key");
        asked["role"] = json!("payer");
        asked
    };
    for amount in [1, 5000] {
        let (mut of_key, of_role) = (
            ask(question(amount)).await.data(),
            ask(of_role(amount)).await.data(),
        );
        of_key.as_object_mut().unwrap().remove("key");
        assert_eq!(of_role, of_key);
    }
    let viewer = ask(json!({"role": "viewer", "action": "admin/tds/read"}))
        .await
        .data();
    assert_eq!(viewer["action"]["allowed"], true, "{viewer}");
    let missing = ask(json!({"role": "nobody"})).await.error(404);
    assert_eq!(missing, "there is no role `nobody`");
    ask(json!({"role": "payer", "key": "ann"})).await.error(400);
    ask(json!({})).await.error(400);
    let missing = ask(json!({"key": "bob"})).await.error(404);
    assert_eq!(missing, "no key has the id or the name `bob`");
    ask(json!({"key": "ann", "tool": "x"})).await.error(400);
    ask(json!({"key": "ann", "tol": "x"})).await.error(400);
    key(&app, json!({"name": "ann"})).await;
    ask(json!({"key": "ann"})).await.error(409);
    post(&holder, "/admin/access/explain", &question(1))
        .await
        .error(403);
}

#[tokio::test]
async fn both_say_the_same_of_what_may_be_done() {
    let app = shop().await;
    put_role(
        &app,
        "half",
        json!({"allow": [{"actions": ["admin/*/read", "audit/read"]}], "deny": [{"actions": ["admin/keys/*"]}]}),
    )
    .await;
    let actions = [
        "admin/tds/read",
        "admin/tds/write",
        "admin/keys/read",
        "admin/metrics/read",
        "audit/read",
        "register/a",
        "nonsense",
    ];
    for role in ["admin", "editor", "viewer", "agent", "half"] {
        let holder = key(&app, json!({"name": role, "roles": [role]})).await;
        let own = holder
            .get(&format!("/admin/access?actions={}", actions.join(",")))
            .await;
        for action in actions {
            let question = json!({"key": role, "action": action});
            let said = post(&app.admin(), "/admin/access/explain", &question)
                .await
                .data();
            let said = said["action"]["allowed"].clone();
            // Whoever may not ask may do nothing of it either.
            let own = match own.status {
                200 => own.json()["data"]["actions"][action].clone(),
                _ => Value::Bool(false),
            };
            assert_eq!(said, own, "{role} {action}");
        }
    }
    // Of a key that lets nobody in it is said why, and not that a role is missing.
    let made = json!({"name": "off", "roles": ["admin"], "expires_at": "2020-01-01T00:00:00Z"});
    key(&app, made).await;
    let question = json!({"key": "off", "action": "admin/tds/write"});
    let said = post(&app.admin(), "/admin/access/explain", &question)
        .await
        .data();
    assert_eq!(
        said["action"],
        json!({"allowed": false, "reason": "it ended at 2020-01-01T00:00:00Z"})
    );
}
