//! Addresses that no tool reaches, however they are spelt; and files that no definition sends anywhere.

use crate::test_app::TestApp;
use serde_json::{Value, json};

fn tool(domain: &str) -> Value {
    json!({"name": "t", "description": "Test tool.", "tds_ext_info": {
        "base_url": domain, "method": "GET", "path": "/", "timeout_ms": 2_000, "connect_timeout_ms": 1_000
    }})
}

/// What a call of a tool of this origin says.
async fn said(app: &TestApp, origin: &str) -> String {
    app.admin().put("/admin/tds/t", &tool(origin)).await.ok();
    let result = app.mcp("i").call("t", json!({})).await;
    assert_eq!(result["isError"], true, "{origin}: {result}");
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

async fn app(settings: &[(&'static str, &str)]) -> TestApp {
    let app = TestApp::with(settings).await;
    app.admin()
        .put("/admin/tds/t", &tool("http://example.com"))
        .await
        .ok();
    app.put_instance("i", &["t"]).await;
    app
}

#[tokio::test]
async fn metadata_services_are_never_called_whatever_is_allowed() {
    let app = app(&[("egress.allow", "0.0.0.0/0,::/0,*.internal")]).await;
    for host in [
        "169.254.169.254",
        "169.254.170.23",
        "2852039166",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "[fd00:ec2::254]",
        "[fd00:ec2::23]",
        "[fd20:ce::254]",
        "[FD00:C1::A9FE:A9FE]",
        "[::ffff:169.254.169.254]",
        "[::169.254.169.254]",
        "[::ffff:0:169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1:a9fe:a9:fe00::]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:808:808:0:0:5601:5601]",
    ] {
        let said = said(&app, &format!("http://{host}")).await;
        assert!(
            said.contains("cloud metadata address, which is never called"),
            "{host}: {said}"
        );
    }
}

#[tokio::test]
async fn what_is_wrapped_is_as_private_and_as_denied_as_it_is() {
    let app = app(&[
        ("egress.allow_private", "false"),
        ("egress.allow_loopback", "false"),
        ("egress.deny", "93.184.216.0/24"),
    ])
    .await;
    for (host, reason) in [
        ("[64:ff9b::10.0.0.1]", "egress.allow_private"),
        ("[2002:a00:1::1]", "egress.allow_private"),
        ("[::10.0.0.1]", "egress.allow_private"),
        ("[fec0::1]", "egress.allow_private"),
        ("198.18.0.1", "egress.allow_private"),
        ("[3fff::1]", "egress.allow_private"),
        ("[64:ff9b::127.0.0.1]", "egress.allow_loopback"),
        ("[::ffff:0:127.0.0.1]", "egress.allow_loopback"),
        ("[64:ff9b::93.184.216.34]", "egress.deny"),
        ("[2002:5db8:d822::1]", "egress.deny"),
        ("[::ffff:93.184.216.34]", "egress.deny"),
    ] {
        let said = said(&app, &format!("http://{host}")).await;
        assert!(said.contains(reason), "{host}: {said}");
    }
    let own = json!({"name": "t", "description": "Test tool.", "tds_ext_info": {
        "base_url": "http://[64:ff9b::8.8.8.8]", "method": "GET", "path": "/", "egress": {"deny": ["8.8.8.0/24"]}
    }});
    let message = app.admin().put("/admin/tds/t", &own).await.error(400);
    assert!(message.contains("`egress.deny` of the definition"), "{message}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_identity_of_the_machine_is_sent_nowhere() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let account = folder.path().join("run/secrets/kubernetes.io/serviceaccount");
    std::fs::create_dir_all(&account).unwrap();
    std::fs::write(account.join("token"), "who-the-pod-is").unwrap();
    symlink(account.join("token"), folder.path().join("innocent")).unwrap();
    symlink("/etc/hostname", folder.path().join("outside")).unwrap();
    std::fs::create_dir(folder.path().join("..1")).unwrap();
    std::fs::write(folder.path().join("..1/good"), "a-secret").unwrap();
    symlink("..1", folder.path().join("..data")).unwrap();
    symlink("..data/good", folder.path().join("good")).unwrap();
    let app = TestApp::with(&[("secrets.file_dir", folder.path().to_str().unwrap())]).await;
    let upstream = app.upstream().await;
    let call = async |path: &str| {
        let credential = format!("${{file:{}/{path}}}", folder.path().display());
        let tool = json!({"name": "t", "description": "Test tool.", "tds_ext_info": {
            "domain": upstream.origin(), "method": "GET", "path": "/", "auth": {"type": "bearer", "credential": credential}
        }});
        app.admin().put("/admin/tds/t", &tool).await.ok();
        app.put_instance("i", &["t"]).await;
        app.mcp("i").call("t", json!({})).await["content"][0]["text"].to_string()
    };
    for (path, reason) in [
        (
            "run/secrets/kubernetes.io/serviceaccount/token",
            "says who the machine is",
        ),
        (
            "run/secrets//kubernetes.io/./serviceaccount/token",
            "says who the machine is",
        ),
        ("innocent", "says who the machine is"),
        ("outside", "a link leads out of"),
    ] {
        let said = call(path).await;
        assert!(
            said.contains(reason) && said.contains("nothing was sent"),
            "{path}: {said}"
        );
    }
    assert!(upstream.requests().is_empty());
    call("good").await;
    assert_eq!(upstream.last().headers["authorization"], "Bearer a-secret");
}
