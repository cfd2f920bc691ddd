//! The Inspector's command line: one call per process.

use crate::fixture::{OLD, STATELESS, Shop, Way};
use anyhow::{Context, Result};
use dynmcp_harness::{Gateway, Toolbox, dynmcp};
use serde_json::{Value, json};
use std::process::{Output, Stdio};
use tokio::process::Command;

struct Inspector<'a> {
    toolbox: Toolbox,
    shop: &'a Shop,
    way: Way,
    era: &'a str,
}

impl Inspector<'_> {
    async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let script = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
        let output = Command::new(self.toolbox.node())
            .arg(self.toolbox.node_module(script))
            .arg("--cli")
            .args(self.target()?)
            .args(["--transport", self.way.name(), "--protocol-era", self.era])
            .args(["--format", "json"])
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        Ok(output)
    }

    fn target(&self) -> Result<Vec<String>> {
        let url = self.shop.url_of(self.way);
        Ok(match self.way {
            Way::Stdio => {
                let (server, instance) = url.split_once("/mcp/").context("no instance")?;
                let program = dynmcp()?.to_str().context("a path that is no text")?.to_owned();
                let given = [program.as_str(), "stdio", instance];
                let options = ["-e".to_owned(), format!("DYNMCP_KEY={}", Gateway::KEY)];
                let server = ["-e".to_owned(), format!("DYNMCP_SERVER={server}")];
                given
                    .map(str::to_owned)
                    .into_iter()
                    .chain(options)
                    .chain(server)
                    .collect()
            }
            Way::Http | Way::Sse | Way::WebSocket => {
                let key = format!("Authorization: Bearer {}", Gateway::KEY);
                vec![url, "--header".to_owned(), key]
            }
        })
    }

    async fn result(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.run(arguments).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        let value: Value =
            serde_json::from_str(&text).with_context(|| format!("{}: {text}{complaints}", output.status))?;
        Ok(value["result"].clone())
    }
}

async fn run(era: &str) -> Result<()> {
    run_over(Way::Http, STATELESS, era).await
}

async fn run_over(way: Way, proto_type: &'static str, era: &str) -> Result<()> {
    let shop = Shop::open(proto_type).await?;
    let inspector = Inspector {
        toolbox: Toolbox::open()?,
        shop: &shop,
        way,
        era,
    };

    // `--strict`: the schemas have to be portable, too.
    let list = inspector.result(&["--method", "tools/list", "--strict"]).await?;
    let names: Vec<_> = list["tools"]
        .as_array()
        .context("no tools")?
        .iter()
        .map(|tool| &tool["name"])
        .collect();
    assert_eq!(names, ["get_order", "create_order", "broken", "tenant_report"]);

    let call = ["--method", "tools/call", "--tool-name"];
    let order = inspector
        .result(&[&call[..], &["get_order", "--tool-arg", "id=A/7 ü"]].concat())
        .await?;
    let expected =
        json!({"id": "A/7 ü", "state": "shipped", "total": 42.5, "items": [{"sku": "x1", "count": 2}]});
    assert_eq!(order["structuredContent"], expected);

    let report = inspector
        .result(&[&call[..], &["tenant_report", "--tool-arg", "tenant=Zürich"]].concat())
        .await?;
    assert_eq!(report["structuredContent"], json!({"tenant": "Zürich"}));

    let broken = inspector.result(&[&call[..], &["broken"]].concat()).await?;
    assert_eq!(broken["isError"], true, "{broken}");

    let unknown = inspector.run(&[&call[..], &["no_such_tool"]].concat()).await?;
    assert!(!unknown.status.success());

    shop.add_late_tool().await?;
    let list = inspector.result(&["--method", "tools/list"]).await?;
    assert_eq!(list["tools"][4]["name"], "late_tool");
    shop.check_log().await
}

#[tokio::test]
async fn legacy() -> Result<()> {
    run("legacy").await
}

#[tokio::test]
async fn auto() -> Result<()> {
    run("auto").await
}

#[tokio::test]
async fn modern() -> Result<()> {
    run("modern").await
}

#[tokio::test]
async fn as_a_program() -> Result<()> {
    run_over(Way::Stdio, STATELESS, "legacy").await?;
    run_over(Way::Stdio, STATELESS, "modern").await
}

#[tokio::test]
async fn over_http_and_sse() -> Result<()> {
    run_over(Way::Sse, OLD, "legacy").await
}
