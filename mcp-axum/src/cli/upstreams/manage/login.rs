//! `dynmcp upstreams login` and `logout`: somebody lets the gateway use an upstream in their name.

use super::OneUpstream;
use crate::cli::{
    Failure,
    output::{OutputFormat, Saying, print},
};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// A login that has not come back by then never will.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often the gateway is asked whether somebody came back.
const LOOK: Duration = Duration::from_secs(1);

/// Prints the address, and waits until somebody came back from there.
pub(super) async fn begin(
    one: &OneUpstream,
    config: Option<PathBuf>,
    no_wait: bool,
    format: OutputFormat,
) -> Result<(), Failure> {
    let say = |text: String, value: Value| match format {
        OutputFormat::Text => print(&text),
        OutputFormat::Json => print(&format!("{value}\n")),
    };
    let gateway = one.gateway.open(config)?;
    let path = one.path("login");
    let look = async || -> Result<Value, Failure> { Ok(gateway.data(&gateway.get(&path).await?)?) };
    let begun: Value = gateway.post(&path, &json!({})).await?;
    let url = begun["url"].as_str().unwrap_or_default();
    say(
        format!("Open this address to log in to {}:\n{url}\n", one.id),
        json!({"id": one.id, "url": url}),
    )?;
    // With a login that is still good nobody could tell when there is another one.
    let is_needed = look().await?["login_needed"] == true;
    if no_wait || !is_needed {
        return Ok(());
    }
    let until = Instant::now() + PATIENCE;
    while look().await?["login_needed"] == true {
        if Instant::now() > until {
            return Err(Failure::runtime("nobody has logged in within ten minutes"));
        }
        tokio::time::sleep(LOOK).await;
    }
    say(
        format!("the gateway is logged in to {}\n", one.id),
        json!({"id": one.id, "done": "logged_in"}),
    )
}

/// Lets the gateway forget it.
pub(super) async fn forget(
    one: &OneUpstream,
    config: Option<PathBuf>,
    saying: Saying,
) -> Result<(), Failure> {
    let gateway = one.gateway.open(config)?;
    let answer = gateway
        .send(Method::DELETE, &one.path("login"), HeaderMap::new(), "")
        .await?;
    // Refusals are said.
    let _: Value = gateway.data(&answer)?;
    let warnings = answer.warnings();
    let mut said = format!("the gateway has forgotten its login to {}", one.id);
    for warning in &warnings {
        said += &format!("\n{warning}");
    }
    saying.say(
        &said,
        &json!({"id": one.id, "done": "logged_out", "warnings": warnings}),
    )
}
