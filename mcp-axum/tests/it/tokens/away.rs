//! Identity providers that are away: whoever wants how much of them, they are asked now and then.

use super::{PUBLIC, holder};
use crate::test_app::{McpClient, TestApp};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Takes connections, and closes them without a word; ends when dropped.
struct Nobody {
    url: String,
    asked: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Nobody {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let server = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(connection);
            }
        });
        Self { url, asked, server }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Requests of as many strangers.
const MANY: usize = 60;
/// A few to see that it is away, and one now and then.
const FEW: usize = MANY / 4;

#[tokio::test]
async fn tokens_that_nobody_knows_do_not_reach_an_issuer_that_is_away_each_time() {
    let issuer = Nobody::start().await;
    let issuers = json!([{
        "name": "acme", "issuer": issuer.url, "endpoint": format!("{}/introspect", issuer.url), "client_id": "gateway",
        "client_secret": "secret", "roles": "groups",
    }]);
    let app = TestApp::with(&[
        ("app.authenticators", "api_key,introspection"),
        ("app.public_url", PUBLIC),
        ("authenticator.introspection.issuers", &issuers.to_string()),
    ])
    .await;
    app.put_instance("desk", &[]).await;
    for number in 0..MANY {
        let client = McpClient::new(holder(&app, &format!("token-{number}")), "desk");
        let refused = client.modern("tools/list", json!({})).await;
        assert_eq!(refused.status, 503, "{}", refused.text);
    }
    let asked = issuer.asked();
    assert!((1..=FEW).contains(&asked), "{asked} of {MANY}");
    // Whoever shows a key is let in all the while.
    let client = McpClient::new(app.user(), "desk");
    assert_eq!(client.modern("tools/list", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_is_away_is_not_asked_by_everybody_who_wants_to_sign_in() {
    let provider = Nobody::start().await;
    let issuer = &provider.url;
    let config = format!(
        "[app]\ndata_source = 'memory'\nauthenticators = ['jwt', 'api_key']\npublic_url = '{PUBLIC}'\n\
         [[authenticator.jwt.issuers]]\nname = 'acme'\nissuer = '{issuer}'\njwks_uri = 'http://127.0.0.1:9/keys'\nroles = 'groups'\n\
         [[sign_in]]\nname = 'acme'\nissuer = '{issuer}'\nclient_id = 'console'\n"
    );
    let app = TestApp::of_file("gateway.toml", &config).await;
    let mut last = Value::Null;
    for _ in 0..MANY {
        let refused = app.anonymous().get("/sign-in/acme").await;
        assert_eq!(refused.status, 502, "{}", refused.text);
        last = refused.text.into();
    }
    let asked = provider.asked();
    assert!((1..=FEW).contains(&asked), "{asked} of {MANY}");
    assert!(
        last.to_string().contains("openid-configuration"),
        "they still hear why: {last}"
    );
}
