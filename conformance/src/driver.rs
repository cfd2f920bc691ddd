//! What the harness calls a client: it gives the server of a scenario to a running gateway as an upstream, logs in as an operator would, and calls
//! tools through an instance. Everything that a scenario looks at is done by the gateway.

use crate::login;
use anyhow::{Context, Result, bail, ensure};
use dynmcp_harness::{Admin, Gateway};
use reqwest::Client;
use serde_json::{Map, Value, json};
use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The variable with the gateway's origin.
pub(crate) const GATEWAY: &str = "DYNMCP_CONFORMANCE_GATEWAY";
/// The variable with the folder whose files are the gateway's secrets.
pub(crate) const SECRETS: &str = "DYNMCP_CONFORMANCE_SECRETS";

/// How long an upstream may take to be there.
const PATIENCE: Duration = Duration::from_secs(40);
/// An upstream that was tried so often is not coming.
const ATTEMPTS: u64 = 4;
/// An operator who has to log in again and again gives up.
const LOGINS: u32 = 3;
/// The client that the harness knows by its document.
const KNOWN_BY_DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

struct Scenario {
    name: String,
    context: Value,
    /// Of the upstream and of the instance.
    id: String,
    origin: String,
    admin: Admin,
    logins: u32,
}

/// Does one scenario against the server at this URL.
pub async fn drive(url: &str) -> Result<()> {
    let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let context = env::var("MCP_CONFORMANCE_CONTEXT").unwrap_or_default();
    let origin = variable(GATEWAY)?;
    let mut scenario = Scenario {
        name: variable("MCP_CONFORMANCE_SCENARIO")?,
        context: serde_json::from_str(&context).unwrap_or_default(),
        id: format!("s{}", std::process::id()),
        admin: Admin::new(&origin)?,
        origin,
        logins: 0,
    };
    let secrets = variable(SECRETS)?;
    scenario.run(url, Path::new(&secrets)).await?;
    scenario.admin.delete("ids", &scenario.id).await?;
    scenario.admin.delete("uds", &scenario.id).await
}

impl Scenario {
    async fn run(&mut self, url: &str, secrets: &Path) -> Result<()> {
        let id = &self.id;
        let mut document = json!({"url": url});
        if let Some(auth) = self.auth(secrets)? {
            document["auth"] = auth;
        }
        self.admin.write("uds", id, &document).await?;
        let instance = json!({"name": "Scenario", "auth": "none", "include": {"upstreams": [id]}});
        self.admin.put_instance(id, &instance).await?;
        self.ready().await?;
        for (tool, arguments) in self.calls().await? {
            // A call that needs more than was granted is made again after the next login.
            for _ in 0..=LOGINS {
                let result = self.call(&tool, &arguments).await?;
                if result["isError"] != true || !self.is_login_needed().await? {
                    break;
                }
                self.log_in().await?;
                self.ready().await?;
            }
        }
        Ok(())
    }

    /// As a document says it; scenarios without authorization have none.
    fn auth(&self, secrets: &Path) -> Result<Option<Value>> {
        let Some(scenario) = self.name.strip_prefix("auth/") else {
            return Ok(None);
        };
        let secret = |member: &str| -> Result<Option<String>> {
            let Some(text) = self.context[member].as_str() else {
                return Ok(None);
            };
            let file = secrets.join(format!("{}-{member}", self.id));
            fs::write(&file, text)?;
            Ok(Some(format!("${{file:{}}}", file.display())))
        };
        let grant = match scenario.starts_with("client-credentials") {
            true => "oauth2_client_credentials",
            false => "oauth2_authorization_code",
        };
        let mut auth = Map::from_iter([("type".to_owned(), json!(grant))]);
        let known = (scenario == "basic-cimd").then(|| KNOWN_BY_DOCUMENT.to_owned());
        let given = |member: &str| self.context[member].as_str().map(str::to_owned);
        for (member, value) in [
            ("client_id", known.or_else(|| given("client_id"))),
            ("client_secret", secret("client_secret")?),
            ("private_key", secret("private_key_pem")?),
            ("issuer", given("issuer")),
        ] {
            auth.extend(value.map(|value| (member.to_owned(), json!(value))));
        }
        Ok(Some(auth.into()))
    }

    async fn state(&self) -> Result<Value> {
        self.admin.get(&format!("uds/{}/status", self.id)).await
    }

    async fn is_login_needed(&self) -> Result<bool> {
        Ok(self.state().await?["login_needed"] == true)
    }

    /// Waits until the upstream can be called, and logs in where it wants that.
    async fn ready(&mut self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut before = 0;
        loop {
            let state = self.state().await?;
            let attempts = state["attempts"].as_u64().unwrap_or_default();
            if state["state"] == "ready" {
                return Ok(());
            }
            if state["login_needed"] == true && state["last_error"].is_string() {
                self.log_in().await?;
                before = attempts;
            } else if attempts >= before + ATTEMPTS {
                bail!("the upstream does not come: {}", state["last_error"]);
            }
            ensure!(Instant::now() < until, "the upstream does not come: {state}");
            sleep(Duration::from_millis(30)).await;
        }
    }

    async fn log_in(&mut self) -> Result<()> {
        self.logins += 1;
        ensure!(self.logins <= LOGINS, "the server wants a login again and again");
        login::log_in(&self.admin, &self.id).await
    }

    /// Which tools are called with what: those that the scenario names, or all.
    async fn calls(&self) -> Result<Vec<(String, Value)>> {
        if let Some(named) = self.context["toolCalls"].as_array() {
            let call = |call: &Value| Some((call["name"].as_str()?.to_owned(), call["arguments"].clone()));
            return Ok(named.iter().filter_map(call).collect());
        }
        let listed = self.ask("tools/list", json!({})).await?;
        let tools = listed["tools"].as_array().cloned().unwrap_or_default();
        let arguments = match &*self.name {
            "tools_call" => json!({"a": 5, "b": 3}),
            "json-schema-2020-12-preservation" => json!({"schema": tools[0]["inputSchema"]}),
            _ => json!({}),
        };
        let names = tools.iter().filter_map(|tool| tool["name"].as_str());
        Ok(names.map(|name| (name.to_owned(), arguments.clone())).collect())
    }

    /// A call, and its answers to what the server asks in between.
    async fn call(&self, tool: &str, arguments: &Value) -> Result<Value> {
        let mut params = json!({"name": tool, "arguments": arguments});
        for _ in 0..4 {
            let result = self.ask("tools/call", params.clone()).await?;
            if result["resultType"] != "input_required" {
                return Ok(result);
            }
            let asked = result["inputRequests"].as_object().cloned().unwrap_or_default();
            let answer = |asked: &Value| json!({"action": "accept", "content": filled(&asked["params"]["requestedSchema"])});
            let answers = asked.iter().map(|(name, asked)| (name.clone(), answer(asked)));
            let answers: Map<String, Value> = answers.collect();
            params["inputResponses"] = answers.into();
            match result.get("requestState") {
                Some(state) => params["requestState"] = state.clone(),
                None => drop(
                    params
                        .as_object_mut()
                        .and_then(|params| params.remove("requestState")),
                ),
            }
        }
        bail!("`{tool}` asks for ever")
    }

    /// The result of a request through the gateway.
    async fn ask(&self, method: &str, mut params: Value) -> Result<Value> {
        const MODERN: &str = "2026-07-28";
        // An older client repeats no arguments in headers; one of 2026-07-28 can be asked without a session.
        let is_modern = self.name.starts_with("sep-2322") || self.name.starts_with("elicitation");
        let url = format!("{}/mcp/{}", self.origin, self.id);
        let mut request = Client::new()
            .post(&url)
            .bearer_auth(Gateway::KEY)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if is_modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
            });
            request = request
                .header("mcp-protocol-version", MODERN)
                .header("mcp-method", method);
            if let Some(name) = params["name"].as_str() {
                request = request.header("mcp-name", name);
            }
        } else {
            request = request.header("mcp-protocol-version", "2025-06-18");
        }
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = request.body(message.to_string()).send().await?.text().await?;
        let event = answer.lines().rev().find_map(|line| line.strip_prefix("data:"));
        let mut answer: Value = serde_json::from_str(event.unwrap_or(&answer))
            .with_context(|| format!("{method} was answered {answer}"))?;
        match answer["error"].is_null() {
            true => Ok(answer["result"].take()),
            false => Ok(json!({"isError": true, "error": answer["error"]})),
        }
    }
}

/// What somebody answers who leaves everything as it is, and says yes where nothing is.
fn filled(schema: &Value) -> Map<String, Value> {
    let fields = schema["properties"].as_object().cloned().unwrap_or_default();
    let value = |field: Value| field.get("default").cloned().unwrap_or(json!(true));
    fields
        .into_iter()
        .map(|(name, field)| (name, value(field)))
        .collect()
}
