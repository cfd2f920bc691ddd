//! Clients that are given a URL and nothing else log in at an identity provider and call a tool.

use anyhow::{Context, Result, bail, ensure};
use dynmcp_harness::{Browser, Gateway, Provider, Setup, Toolbox};
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    time::timeout,
};

const WHOLE_RUN: Duration = Duration::from_secs(90);
/// Nobody listens there: the browser is scripted.
const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A gateway that takes the provider's tokens, with an instance of two tools; whoever is called `reader` sees one of them.
pub(crate) async fn gateway(provider: &Provider) -> Result<Gateway> {
    let issuer = provider.issuer();
    let setup = Setup {
        app: "authenticators = [\"jwt\", \"api_key\"]\npublic_url = \"{origin}\"\n".to_owned(),
        tables: format!(
            "[[authenticator.jwt.issuers]]\nname = \"acme\"\nissuer = \"{issuer}\"\nalgorithms = [\"RS256\", \"PS256\", \"ES256\", \"EdDSA\"]\n\
             token_types = [\"at+jwt\"]\nroles = \"groups\"\nrequired_scopes = [\"mcp:tools\"]\n"
        ),
        ..Setup::default()
    };
    let gateway = Gateway::start_as(&setup).await?;
    let admin = gateway.admin();
    for id in ["get_order", "drop_orders"] {
        let tool = json!({
            "name": id, "description": "Says its name.", "input_schema": {"type": "object"},
            "static": {"content": [{"type": "text", "text": id}]},
        });
        admin.put_tool(id, &tool).await?;
    }
    let desk = json!({"name": "Desk", "tool_ids": ["get_order", "drop_orders"]});
    admin.put_instance("desk", &desk).await?;
    admin.put_instance("other", &desk).await?;
    let reader = json!({"allow": [{"actions": ["tools/call"], "instances": ["desk"], "tools": ["get_*"]}]});
    admin.write("roles", "reader", &reader).await?;
    Ok(gateway)
}

pub(crate) fn typescript(toolbox: &Toolbox) -> Command {
    let mut client = Command::new(toolbox.node());
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/login/login.mjs"));
    client.env("NODE_TOOLS", toolbox.node_packages());
    client
}

pub(crate) fn python(toolbox: &Toolbox) -> Command {
    let mut client = Command::new(toolbox.python());
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/login/login.py"));
    client
}

/// Runs a client for somebody of this name, and gives the token that it got.
async fn log_in(program: &mut Command, gateway: &Gateway, name: &str, tools: &str) -> Result<String> {
    let token = log_in_at(program, &gateway.endpoint("desk"), name, tools).await;
    token.with_context(|| gateway.output())
}

/// The same at any instance.
pub(crate) async fn log_in_at(program: &mut Command, url: &str, name: &str, tools: &str) -> Result<String> {
    let mut client = program
        .args([url, CALLBACK, tools])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = client.stdin.take().context("no input")?;
    let mut lines = BufReader::new(client.stdout.take().context("no output")?).lines();
    let conversation = async {
        let mut token = None;
        while let Some(line) = lines.next_line().await? {
            match line.split_once(' ') {
                Some(("open", url)) => {
                    let ended = Browser::default().log_in(url, name, CALLBACK).await?;
                    input.write_all(format!("{ended}\n").as_bytes()).await?;
                    input.flush().await?;
                }
                Some(("token", shown)) => token = Some(shown.to_owned()),
                None if line == "done" => return Ok(token),
                _ => bail!("unexpected output: {line}"),
            }
        }
        Ok(None)
    };
    let ended = timeout(WHOLE_RUN, conversation)
        .await
        .context("the client hangs")?;
    let reason = match ended {
        Ok(Some(token)) => return Ok(token),
        Ok(None) => "it ended before it was done".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    let _ = client.start_kill();
    let output = client.wait_with_output().await?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    bail!("{reason}\n{complaints}")
}

/// The status of a list of tools with this token.
async fn status(gateway: &Gateway, instance: &str, token: &str) -> Result<u16> {
    Ok(ask(gateway, instance, token).await?.0)
}

async fn ask(gateway: &Gateway, instance: &str, token: &str) -> Result<(u16, Value)> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let url = gateway.endpoint(instance);
    let authorization = format!("authorization: Bearer {token}");
    let output = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "20",
            "--write-out",
            "\n%{http_code}",
            "--data",
            &body,
            &url,
        ])
        .args([
            "--header",
            "content-type: application/json",
            "--header",
            "accept: application/json, text/event-stream",
        ])
        .args(["--header", &authorization])
        .output()
        .await?;
    let text = String::from_utf8(output.stdout)?;
    let (body, status) = text.rsplit_once('\n').context("no status")?;
    Ok((status.parse()?, serde_json::from_str(body).unwrap_or_default()))
}

#[tokio::test]
async fn typescript_logs_in_by_itself() -> Result<()> {
    let (provider, toolbox) = (Provider::start("ES256", "k1").await?, Toolbox::open()?);
    let gateway = gateway(&provider).await?;
    log_in(
        &mut typescript(&toolbox),
        &gateway,
        "agent",
        "get_order,drop_orders",
    )
    .await?;
    // The same way in for somebody who may do less.
    let token = log_in(&mut typescript(&toolbox), &gateway, "reader", "get_order").await?;
    assert_eq!(status(&gateway, "desk", &token).await?, 200);
    assert_eq!(
        status(&gateway, "other", &token).await?,
        401,
        "it is for one instance"
    );
    Ok(())
}

/// Without an issuer nobody can log in, and a wrong key is what there is to say.
#[tokio::test]
async fn typescript_says_what_to_do_about_a_wrong_key_also_where_it_could_log_in() -> Result<()> {
    let toolbox = Toolbox::open()?;
    let gateway = Gateway::start().await?;
    let desk = json!({"name": "Desk", "tool_ids": []});
    gateway.admin().put_instance("desk", &desk).await?;
    let mut client = Command::new(toolbox.node());
    client
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/login/wrong_key.mjs"))
        .env("NODE_TOOLS", toolbox.node_packages())
        .args([gateway.endpoint("desk").as_str(), "0123456789abcdef-mistyped"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(WHOLE_RUN, client.output())
        .await
        .context("the client hangs")??;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}\n{said}\n{complaints}", output.status);
    for label in ["1.x: ", "2.x: "] {
        let line = said.lines().find(|line| line.starts_with(label));
        let line = line.with_context(|| format!("no {label}in\n{said}"))?;
        ensure!(
            line.contains("no OAuth of its own") && line.contains("x-api-key: KEY"),
            "{line}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn python_logs_in_by_itself() -> Result<()> {
    let (provider, toolbox) = (Provider::start("PS256", "k1").await?, Toolbox::open()?);
    let gateway = gateway(&provider).await?;
    log_in(&mut python(&toolbox), &gateway, "reader", "get_order").await?;
    Ok(())
}

/// A token for a pipeline, without anybody at a browser.
async fn token_of_pipeline(provider: &Provider, resource: &str) -> Result<String> {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "20",
            "--user",
            "pipeline:secret-of-the-pipeline",
        ])
        .args([
            "--data",
            "grant_type=client_credentials",
            "--data",
            "scope=mcp:tools",
        ])
        .args([
            "--data-urlencode",
            &format!("resource={resource}"),
            &format!("{}/token", provider.issuer()),
        ])
        .output()
        .await?;
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let token = answer["access_token"].as_str();
    Ok(token.with_context(|| answer.to_string())?.to_owned())
}

#[tokio::test]
async fn tokens_that_say_nothing_by_themselves_are_asked_about() -> Result<()> {
    let provider = Provider::start("ES256", "k1").await?;
    let issuer = provider.issuer();
    let setup = Setup {
        app: "authenticators = [\"api_key\", \"introspection\"]\npublic_url = \"{origin}\"\n".to_owned(),
        tables: format!(
            "[[authenticator.introspection.issuers]]\nname = \"acme\"\nissuer = \"{issuer}\"\nendpoint = \"{issuer}/token/introspection\"\n\
             client_id = \"gateway\"\nclient_secret = \"secret-of-the-gateway\"\nsubject = \"client_id\"\ngive_roles = [\"agent\"]\n\
             required_scopes = [\"mcp:tools\"]\ncache_seconds = 0\n"
        ),
        ..Setup::default()
    };
    let gateway = Gateway::start_as(&setup).await?;
    for id in ["opaque", "other"] {
        gateway
            .admin()
            .put_instance(id, &json!({"name": id, "tool_ids": []}))
            .await?;
    }
    let token = token_of_pipeline(&provider, &gateway.endpoint("opaque")).await?;
    ensure!(!token.contains('.'), "this one says something by itself: {token}");
    assert_eq!(status(&gateway, "opaque", &token).await?, 200);
    assert_eq!(status(&gateway, "other", &token).await?, 401);
    assert_eq!(status(&gateway, "opaque", "nobodys-token").await?, 401);
    let revoked = Command::new("curl")
        .args([
            "--silent",
            "--fail",
            "--max-time",
            "20",
            "--user",
            "pipeline:secret-of-the-pipeline",
        ])
        .args([
            "--data",
            &format!("token={token}"),
            &format!("{issuer}/token/revocation"),
        ])
        .status()
        .await?;
    ensure!(revoked.success(), "the provider does not take it back");
    assert_eq!(status(&gateway, "opaque", &token).await?, 401);
    Ok(())
}

#[tokio::test]
async fn logins_go_on_after_the_provider_was_away_and_came_back_with_another_key() -> Result<()> {
    let (provider, toolbox) = (Provider::start("RS256", "k1").await?, Toolbox::open()?);
    let gateway = gateway(&provider).await?;
    let old = log_in(
        &mut typescript(&toolbox),
        &gateway,
        "agent",
        "get_order,drop_orders",
    )
    .await?;
    let port = provider.port();
    provider.stop().await?;
    assert_eq!(status(&gateway, "desk", &old).await?, 200, "its key is known");
    let provider = Provider::start_at(port, "EdDSA", "k2").await?;
    let new = log_in(
        &mut typescript(&toolbox),
        &gateway,
        "agent",
        "get_order,drop_orders",
    )
    .await?;
    assert_eq!(status(&gateway, "desk", &new).await?, 200);
    assert_eq!(status(&gateway, "desk", &old).await?, 401, "its key is gone");
    provider.stop().await?;
    assert_eq!(status(&gateway, "desk", &new).await?, 200);
    let (_, refused) = ask(&gateway, "desk", &old).await?;
    ensure!(
        refused["error"]["message"].is_string(),
        "clients show why: {refused}"
    );
    Ok(())
}
