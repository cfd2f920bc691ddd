//! A gateway on the folder of recipes.

use super::{ALL, OF_THE_USER, folder::Recipe, world::World};
use crate::test_app::{MODERN, TestApp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::collections::{BTreeMap, BTreeSet};
use tempfile::TempDir;

#[derive(Deserialize)]
struct Stored {
    data: Tool,
}

/// What the gateway has of a tool.
#[derive(Deserialize)]
pub struct Tool {
    pub name: String,
    #[serde(default)]
    pub examples: Vec<Example>,
}

#[derive(Deserialize)]
pub struct Example {
    pub description: Option<String>,
    arguments: Option<Box<RawValue>>,
    expect: Option<Value>,
    pub mock: Option<Box<RawValue>>,
}

impl Example {
    /// As they were written.
    pub fn arguments(&self) -> &str {
        self.arguments.as_ref().map_or("{}", |arguments| arguments.get())
    }

    pub fn expects_error(&self) -> bool {
        self.expect
            .as_ref()
            .is_some_and(|expect| expect["is_error"] == true)
    }
}

/// A gateway on the folder of recipes.
pub struct Kitchen {
    pub app: TestApp,
    pub world: World,
    _folder: TempDir,
}

impl Kitchen {
    pub async fn open(recipes: &[Recipe]) -> Self {
        let folder = TempDir::new().unwrap();
        let world = World::start(folder.path()).await;
        let definitions = folder.path().join("definitions");
        std::fs::create_dir(&definitions).unwrap();
        let mut alone = Vec::new();
        for recipe in recipes {
            let text = world.lead_here(&recipe.text, &folder.path().join("secrets"));
            std::fs::write(definitions.join(format!("{}.yaml", recipe.name)), text).unwrap();
            if recipe.instances().next().is_none() {
                alone.extend(recipe.tools());
            }
        }
        let instance = json!({"id": ALL, "name": "All recipes", "tool_ids": alone}).to_string();
        std::fs::write(definitions.join("recipes-of-the-test.json"), instance).unwrap();
        let app = TestApp::with(&[
            ("app.data_source", "file"),
            ("data_source.file.path", definitions.to_str().unwrap()),
            (
                "secrets.file_dir",
                folder.path().join("secrets").to_str().unwrap(),
            ),
            ("egress.proxies", &world.proxy()),
        ])
        .await;
        Self {
            app,
            world,
            _folder: folder,
        }
    }

    pub async fn stored(&self, id: &str) -> Tool {
        let text = self.app.admin().get(&format!("/admin/tds/{id}")).await.ok().text;
        let stored: Stored = serde_json::from_str(&text).unwrap();
        stored.data
    }

    /// What an instance lists: the tool's name and the names of its arguments.
    pub async fn listed(&self, instance: &str) -> BTreeMap<String, BTreeSet<String>> {
        let answer = self
            .app
            .mcp(instance)
            .modern("tools/list", json!({}))
            .await
            .ok()
            .json();
        let tools = answer["result"]["tools"].as_array().unwrap().clone();
        let of = |tool: &Value| {
            let arguments = tool["inputSchema"]["properties"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            (
                tool["name"].as_str().unwrap().to_owned(),
                arguments.into_iter().map(|(name, _)| name).collect(),
            )
        };
        tools.iter().map(of).collect()
    }

    /// `tools/call`; the whole answer.
    pub async fn call(&self, instance: &str, tool: &str, arguments: &str) -> String {
        let client = self.app.user();
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        let request = client
            .request(Method::POST, &format!("/mcp/{instance}"))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .header(OF_THE_USER.0, OF_THE_USER.1);
        client.send(request.body(body)).await.ok().text
    }
}
