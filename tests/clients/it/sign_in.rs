//! People sign in to the console with their account at an identity provider, and may do there what its roles allow.

use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Browser, Gateway, Provider, Setup};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header, redirect::Policy};
use serde_json::Value;

async fn gateway(provider: &Provider) -> Result<Gateway> {
    let issuer = provider.issuer();
    let setup = Setup {
        app: "authenticators = [\"jwt\", \"api_key\"]\npublic_url = \"{origin}\"\n".to_owned(),
        tables: format!(
            "[[authenticator.jwt.issuers]]\nname = \"acme\"\nissuer = \"{issuer}\"\nalgorithms = [\"ES256\"]\ntoken_types = [\"at+jwt\"]\n\
             roles = \"groups\"\nallow_roles = [\"*\", \"admin\"]\n\
             [[sign_in]]\nname = \"acme\"\nlabel = \"Acme\"\nissuer = \"{issuer}\"\nclient_id = \"console\"\n[audit]\nenabled = true\n"
        ),
        ..Setup::default()
    };
    Gateway::start_as(&setup).await
}

/// The cookies that somebody was given.
#[derive(Default)]
struct Cookies(Vec<(String, String)>);

impl Cookies {
    fn on(&self, request: RequestBuilder) -> RequestBuilder {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        request.header(header::COOKIE, pairs.collect::<Vec<_>>().join("; "))
    }

    fn keep(&mut self, headers: &header::HeaderMap) -> Result<()> {
        for set in headers.get_all(header::SET_COOKIE) {
            let set = set.to_str()?;
            ensure!(
                set.contains("; HttpOnly") && set.contains("; SameSite=Lax"),
                "{set}"
            );
            let (name, rest) = set.split_once('=').context("no cookie")?;
            let value = rest.split(';').next().unwrap_or_default();
            self.0.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(())
    }
}

fn client() -> Result<Client> {
    Ok(Client::builder().redirect(Policy::none()).build()?)
}

/// Signs in in this name: where it leads to at last, and the page, if there is one.
async fn sign_in(
    gateway: &Gateway,
    cookies: &mut Cookies,
    name: &str,
) -> Result<(StatusCode, String, String)> {
    let client = client()?;
    let begun = client
        .get(format!("{}/sign-in/acme?to=/console", gateway.origin()))
        .send()
        .await?;
    ensure!(begun.status() == StatusCode::SEE_OTHER, "{}", begun.text().await?);
    cookies.keep(begun.headers())?;
    let at = begun.headers()[header::LOCATION].to_str()?.to_owned();
    for part in [
        "response_type=code",
        "code_challenge_method=S256",
        "nonce=",
        "state=",
    ] {
        ensure!(at.contains(part), "{part}: {at}");
    }
    let callback = format!("{}/sign-in/callback", gateway.origin());
    let back = Browser::default().log_in(&at, name, &callback).await?;
    // In another browser it comes to nothing, for whoever began it, too; and it is good once.
    if name == "led-elsewhere" {
        let elsewhere = client.get(&back).send().await?;
        ensure!(
            elsewhere.status() == StatusCode::BAD_REQUEST,
            "{}",
            elsewhere.status()
        );
        ensure!(
            !elsewhere.headers().contains_key(header::SET_COOKIE),
            "a stranger is signed in"
        );
    }
    let ended = cookies.on(client.get(&back)).send().await?;
    cookies.keep(ended.headers())?;
    let to = ended.headers().get(header::LOCATION);
    let to = to.map_or(Ok(""), |to| to.to_str())?.to_owned();
    let status = ended.status();
    let again = cookies.on(client.get(&back)).send().await?;
    ensure!(
        again.status() == StatusCode::BAD_REQUEST,
        "a code comes back twice"
    );
    Ok((status, to, ended.text().await?))
}

/// What the admin API says to a page with these cookies.
async fn asks(
    gateway: &Gateway,
    cookies: &Cookies,
    method: Method,
    path: &str,
    more: &[(&str, &str)],
) -> Result<StatusCode> {
    let mut request = client()?.request(method, format!("{}{path}", gateway.origin()));
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    Ok(cookies.on(request).send().await?.status())
}

/// The last record of somebody who came in; waits for it.
async fn entered(gateway: &Gateway) -> Result<Value> {
    for _ in 0..200 {
        let asked = Client::new()
            .get(format!(
                "{}/admin/audit?action=enter&decision=allow",
                gateway.origin()
            ))
            .bearer_auth(Gateway::KEY)
            .send()
            .await?;
        let mut found: Value = serde_json::from_str(&asked.text().await?)?;
        if found["data"][0].is_object() {
            return Ok(found["data"][0].take());
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    anyhow::bail!("nobody has come in, as the audit log says")
}

const CONSOLE: (&str, &str) = ("x-dynmcp-console", "1");

#[tokio::test]
async fn people_sign_in_with_their_account_and_have_the_roles_that_it_brings() -> Result<()> {
    let provider = Provider::start("ES256", "k1").await?;
    let gateway = gateway(&provider).await?;
    let offered = Client::new()
        .get(format!("{}/sign-in", gateway.origin()))
        .send()
        .await?;
    let offered: Value = serde_json::from_str(&offered.text().await?)?;
    assert_eq!(offered["data"][0]["label"], "Acme", "{offered}");

    let mut admin = Cookies::default();
    let (status, to, page) = sign_in(&gateway, &mut admin, "admin").await?;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}\n{}", gateway.output());
    assert_eq!(to, format!("{}/console", gateway.origin()));
    let ask = async |more: &[(&str, &str)]| asks(&gateway, &admin, Method::GET, "/admin/keys", more).await;
    assert_eq!(ask(&[CONSOLE]).await?, StatusCode::OK);
    assert_eq!(
        ask(&[CONSOLE, ("sec-fetch-site", "same-origin")]).await?,
        StatusCode::OK
    );
    let metrics = asks(&gateway, &admin, Method::GET, "/metrics", &[CONSOLE]).await?;
    assert_eq!(metrics, StatusCode::OK);
    // A page from elsewhere cannot say what the console says, and a browser says where it is from.
    for more in [
        &[][..],
        &[CONSOLE, ("sec-fetch-site", "cross-site")],
        &[CONSOLE, ("sec-fetch-site", "same-site")],
        &[CONSOLE, ("origin", "https://evil.example")],
        &[CONSOLE, ("origin", "null")],
    ] {
        assert_eq!(ask(more).await?, StatusCode::UNAUTHORIZED, "{more:?}");
    }
    // A key that is shown is the one that counts.
    let wrong = [CONSOLE, ("authorization", "Bearer a-key-that-nobody-has")];
    assert_eq!(ask(&wrong).await?, StatusCode::UNAUTHORIZED);

    // Who has signed in stands in the audit log, and that it was at the provider.
    let record = entered(&gateway).await?;
    assert_eq!(
        [&record["decision"], &record["outcome"], &record["target"]],
        ["allow", "ok", "GET /sign-in/callback"],
        "{record}"
    );
    ensure!(
        record["principal"]
            .as_str()
            .is_some_and(|who| who.ends_with("admin")),
        "{record}"
    );

    let mut viewer = Cookies::default();
    let (status, _, page) = sign_in(&gateway, &mut viewer, "viewer").await?;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let read = asks(&gateway, &viewer, Method::GET, "/admin/tds", &[CONSOLE]).await?;
    assert_eq!(read, StatusCode::OK);
    let written = asks(&gateway, &viewer, Method::DELETE, "/admin/tds/x", &[CONSOLE]).await?;
    assert_eq!(written, StatusCode::FORBIDDEN);
    // Whoever has no role is known, and may do nothing.
    let mut nobody = Cookies::default();
    let (status, _, page) = sign_in(&gateway, &mut nobody, "nobody-in-particular").await?;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let refused = asks(&gateway, &nobody, Method::GET, "/admin/tds", &[CONSOLE]).await?;
    assert_eq!(refused, StatusCode::FORBIDDEN);
    // A sign-in that somebody else brings back is over.
    let mut led = Cookies::default();
    let (status, _, page) = sign_in(&gateway, &mut led, "led-elsewhere").await?;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{page}");
    let refused = asks(&gateway, &led, Method::GET, "/admin/tds", &[CONSOLE]).await?;
    assert_eq!(refused, StatusCode::UNAUTHORIZED);

    // Signing out ends it here, for the page of this browser alone.
    let origin = gateway.origin().to_owned();
    for from in ["https://evil.example", "null"] {
        let out = asks(
            &gateway,
            &admin,
            Method::POST,
            "/sign-in/out",
            &[("origin", from)],
        )
        .await?;
        assert_eq!(out, StatusCode::FORBIDDEN, "{from}");
    }
    let out = asks(
        &gateway,
        &admin,
        Method::POST,
        "/sign-in/out",
        &[("origin", &origin)],
    )
    .await?;
    assert_eq!(out, StatusCode::NO_CONTENT);
    assert_eq!(ask(&[CONSOLE]).await?, StatusCode::UNAUTHORIZED);
    assert_eq!(
        asks(&gateway, &viewer, Method::GET, "/admin/tds", &[CONSOLE]).await?,
        StatusCode::OK
    );
    let log = gateway.output();
    ensure!(
        !log.contains("eyJ") && !log.contains("?code="),
        "a token is in the log:\n{log}"
    );
    Ok(())
}

#[tokio::test]
async fn a_provider_that_is_away_or_says_no_signs_nobody_in() -> Result<()> {
    let provider = Provider::start("ES256", "k1").await?;
    let gateway = gateway(&provider).await?;
    let client = client()?;
    let mut cookies = Cookies::default();
    let begun = client
        .get(format!("{}/sign-in/acme", gateway.origin()))
        .send()
        .await?;
    cookies.keep(begun.headers())?;
    let at = begun.headers()[header::LOCATION].to_str()?.to_owned();
    let state = at.split("state=").nth(1).and_then(|rest| rest.split('&').next());
    let state = state.context("no state")?;
    let back = |query: &str| format!("{}/sign-in/callback?state={state}&{query}", gateway.origin());
    let no = back(&format!("error=access_denied&iss={}", provider.issuer()));
    let told = cookies.on(client.get(no)).send().await?;
    assert_eq!(told.status(), StatusCode::BAD_REQUEST);
    let told = told.text().await?;
    ensure!(told.contains("access_denied"), "{told}");
    for path in ["/sign-in/nobody", "/sign-in/acme/x"] {
        let status = client
            .get(format!("{}{path}", gateway.origin()))
            .send()
            .await?
            .status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    provider.stop().await?;
    let fresh = self::gateway(&Provider::start("ES256", "k2").await?).await?;
    // Its provider ended with the line above.
    let away = client
        .get(format!("{}/sign-in/acme", fresh.origin()))
        .send()
        .await?;
    assert_eq!(away.status(), StatusCode::BAD_GATEWAY);
    Ok(())
}
