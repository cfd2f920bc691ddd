//! The console in a browser: what its own tests (`console/e2e`) say.

use anyhow::{Context, Result, ensure};
use dynmcp_harness::Toolbox;
use std::path::Path;
use tokio::process::Command;

#[tokio::test]
async fn people_do_in_the_console_what_it_is_for() -> Result<()> {
    let toolbox = Toolbox::open()?;
    let console = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console");
    let output = Command::new(toolbox.node())
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args([
            "e2e/console.test.mjs",
            "e2e/watching.test.mjs",
            "e2e/rights.test.mjs",
            "e2e/secrets.test.mjs",
            "e2e/accounts.test.mjs",
            "e2e/sign-in.test.mjs",
        ])
        .env("PROVIDER_TOOLS", toolbox.provider()?)
        .current_dir(&console)
        .env("DYNMCP", dynmcp_harness::dynmcp()?)
        .output()
        .await
        .context("Node.js does not start")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // A run without tests succeeds, too.
    let passed = said.lines().find_map(|line| line.trim().strip_prefix("ℹ pass "));
    let passed: usize = passed.context("no count of tests")?.trim().parse()?;
    ensure!(passed >= 57, "only {passed} tests ran:\n{said}");
    Ok(())
}
