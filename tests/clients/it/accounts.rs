//! Callers who use a server with accounts of their own, which an identity provider of others knows: the server is another gateway, and shows each
//! what their account may see.

use crate::login::gateway;
use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Browser, Gateway, Provider, Setup};
use reqwest::{Client, Method, StatusCode, header, redirect::Policy};
use serde_json::{Value, json};
use std::time::Duration;

/// A person at a browser, at the pages of the gateway.
struct Person {
    client: Client,
    origin: String,
    cookie: Option<String>,
}

impl Person {
    fn at(gateway: &Gateway) -> Result<Self> {
        Ok(Self {
            client: Client::builder().redirect(Policy::none()).build()?,
            origin: gateway.origin().to_owned(),
            cookie: None,
        })
    }

    /// The status, where it leads to, and the page.
    async fn go(&mut self, url: &str, form: Option<&[(&str, &str)]>) -> Result<(StatusCode, String, String)> {
        let mut request = match form {
            None => self.client.get(url),
            Some(fields) => {
                let mut body = reqwest::Url::parse("http://form/")?;
                body.query_pairs_mut().extend_pairs(fields);
                self.client
                    .post(url)
                    .header(header::ORIGIN, &self.origin)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(body.query().unwrap_or_default().to_owned())
            }
        };
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answer = request.send().await?;
        if let Some(set) = answer.headers().get(header::SET_COOKIE) {
            self.cookie = set.to_str()?.split(';').next().map(str::to_owned);
        }
        let to = answer.headers().get(header::LOCATION);
        let to = to.map_or(Ok(""), |to| to.to_str())?.to_owned();
        Ok((answer.status(), to, answer.text().await?))
    }

    /// Opens a link, shows a key, agrees, and logs in at the provider in this name.
    async fn connect(&mut self, link: &str, key: &str, name: &str) -> Result<String> {
        let (status, _, page) = self.go(link, Some(&[("do", "sign_in"), ("key", key)])).await?;
        ensure!(status == StatusCode::SEE_OTHER, "{status}: {page}");
        let (_, _, page) = self.go(link, None).await?;
        let proof = page.split("name=\"proof\" value=\"").nth(1).context("no form")?;
        let proof = proof.split('"').next().unwrap_or_default().to_owned();
        let (status, to, page) = self
            .go(link, Some(&[("do", "connect"), ("proof", &proof)]))
            .await?;
        ensure!(status == StatusCode::SEE_OTHER, "{status}: {page}");
        let callback = format!("{}/oauth/callback/desk", self.origin);
        let back = Browser::default().log_in(&to, name, &callback).await?;
        let (status, _, page) = self.go(&back, None).await?;
        ensure!(status == StatusCode::OK, "{status}: {page}");
        Ok(page)
    }
}

async fn admin(gateway: &Gateway, method: Method, path: &str) -> Result<Value> {
    let request = Client::new().request(method, format!("{}/admin/{path}", gateway.origin()));
    let answer = request.bearer_auth(Gateway::KEY).send().await?;
    ensure!(answer.status().is_success(), "{path}: {}", answer.text().await?);
    Ok(serde_json::from_str::<Value>(&answer.text().await?)?["data"].take())
}

async fn call(gateway: &Gateway, key: &str, tool: &str) -> Result<Value> {
    let capabilities = json!({"elicitation": {"url": {}}});
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": capabilities});
    let params = json!({"name": tool, "arguments": {}, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let request = Client::new()
        .post(gateway.endpoint("mixed"))
        .bearer_auth(key)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool)
        .body(body.to_string());
    let text = request.send().await?.text().await?;
    serde_json::from_str(&text).with_context(|| text.clone())
}

fn link(answer: &Value) -> Result<&str> {
    let url = &answer["result"]["inputRequests"]["dynmcp-connect-account"]["params"]["url"];
    url.as_str()
        .with_context(|| format!("no page is asked for: {answer}"))
}

#[tokio::test]
async fn each_caller_sees_what_their_own_account_at_the_server_may_see() -> Result<()> {
    let provider = Provider::start("ES256", "k1").await?;
    let server = gateway(&provider).await?;
    let front = Gateway::start_as(&Setup::default()).await?;
    let upstream =
        json!({"url": server.endpoint("desk"), "auth": {"type": "oauth2_user", "scopes": ["mcp:tools"]}});
    front.admin().write("uds", "desk", &upstream).await?;
    let mixed = json!({"name": "Mixed", "include": {"upstreams": ["desk"]}});
    front.admin().write("ids", "mixed", &mixed).await?;
    // The lists are what an operator's account sees.
    let begun = admin(&front, Method::POST, "uds/desk/login").await?;
    let callback = format!("{}/oauth/callback/desk", front.origin());
    let start = begun["url"].as_str().context("no address")?;
    let back = Browser::default().log_in(start, "agent", &callback).await?;
    ensure!(
        Client::new().get(back).send().await?.status().is_success(),
        "{}",
        front.output()
    );
    let is_ready = async || {
        let all = admin(&front, Method::GET, "upstreams").await?;
        Ok::<_, anyhow::Error>(all[0]["state"] == "ready")
    };
    for _ in 0..300 {
        if is_ready().await? {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ensure!(is_ready().await?, "{}", front.output());

    let mut keys = Vec::new();
    for name in ["anna", "bob"] {
        let key = front
            .admin()
            .post("keys", &json!({"name": name, "instances": ["mixed"]}))
            .await?;
        keys.push(key["key"].as_str().context("no key")?.to_owned());
    }
    let asked = call(&front, &keys[0], "get_order").await?;
    let page = Person::at(&front)?
        .connect(link(&asked)?, &keys[0], "agent")
        .await?;
    ensure!(page.contains("is connected with your account"), "{page}");
    for tool in ["get_order", "drop_orders"] {
        let called = call(&front, &keys[0], tool).await?;
        assert_eq!(called["result"]["content"][0]["text"], tool, "{called}");
    }
    // Whose account may do less there does less here, though the list is the same.
    let asked = call(&front, &keys[1], "get_order").await?;
    let mut bob = Person::at(&front)?;
    bob.connect(link(&asked)?, &keys[1], "reader").await?;
    let called = call(&front, &keys[1], "get_order").await?;
    assert_eq!(called["result"]["content"][0]["text"], "get_order", "{called}");
    let refused = call(&front, &keys[1], "drop_orders").await?;
    ensure!(
        refused["error"].is_object() || refused["result"]["isError"] == true,
        "{refused}"
    );

    // What is taken back is revoked at the provider, and asked for anew.
    let grants = admin(&front, Method::GET, "grants").await?;
    let grants = grants.as_array().context("no list")?;
    assert_eq!(grants.len(), 2, "{grants:?}");
    let whose = |at: usize| grants[at]["principal"].as_str();
    assert_eq!((whose(0), whose(1)), (Some("anna"), Some("bob")), "by name");
    let id = grants[1]["id"].as_str().context("no id")?;
    let gone = admin(&front, Method::DELETE, &format!("grants/{id}")).await?;
    assert_eq!(gone["revoked"], true, "{gone}; {}", front.output());
    link(&call(&front, &keys[1], "get_order").await?)?;
    let called = call(&front, &keys[0], "get_order").await?;
    assert_eq!(called["result"]["content"][0]["text"], "get_order", "{called}");
    let log = front.output();
    for secret in [keys[0].as_str(), "?code=", "refresh_token"] {
        ensure!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    Ok(())
}
