//! `dynmcp upstreams login` and `logout`: somebody lets the gateway use an upstream in their name.

use super::OneUpstream;
use crate::cli::{Failure, output::print};
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
pub(super) async fn begin(one: &OneUpstream, config: Option<PathBuf>, no_wait: bool) -> Result<(), Failure> {
    let gateway = one.gateway.open(config)?;
    let path = one.path("login");
    let look = async || -> Result<Value, Failure> { Ok(gateway.data(&gateway.get(&path).await?)?) };
    let begun: Value = gateway.post(&path, &json!({})).await?;
    let url = begun["url"].as_str().unwrap_or_default();
    print(&format!("Open this address to log in to {}:\n{url}\n", one.id))?;
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
    print(&format!("the gateway is logged in to {}\n", one.id))
}

/// Lets the gateway forget it.
pub(super) async fn forget(one: &OneUpstream, config: Option<PathBuf>) -> Result<(), Failure> {
    let gateway = one.gateway.open(config)?;
    let answer = gateway
        .send(Method::DELETE, &one.path("login"), HeaderMap::new(), "")
        .await?;
    // Refusals are said.
    let _: Value = gateway.data(&answer)?;
    print(&format!("the gateway has forgotten its login to {}\n", one.id))?;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        print(&format!("{}\n", warning.as_str().unwrap_or_default()))?;
    }
    Ok(())
}
