//! An operator who logs the gateway in, with a browser that says yes to everything.

use anyhow::{Context, Result, ensure};
use dynmcp_harness::Admin;
use reqwest::{Client, header::LOCATION, redirect::Policy};
use serde_json::json;

/// Begins a login, goes where the authorization server leads, and comes back to the gateway.
pub(crate) async fn log_in(admin: &Admin, upstream: &str) -> Result<()> {
    let begun = admin.post(&format!("uds/{upstream}/login"), &json!({})).await?;
    let url = begun["url"].as_str().context("no address")?;
    let browser = Client::builder().redirect(Policy::none()).build()?;
    let answer = browser.get(url).send().await?;
    let to = answer.headers().get(LOCATION);
    let to = to.context("the authorization server leads nowhere")?.to_str()?;
    let back = browser.get(to).send().await?;
    let (status, text) = (back.status(), back.text().await?);
    ensure!(status.is_success(), "{}", text.trim());
    Ok(())
}
