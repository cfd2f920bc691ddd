//! One tool for each feature of definitions that costs something of its own.

use crate::{contender::Role, upstream::Upstream};
use anyhow::Result;
use dynmcp_harness::{Gateway, Setup};
use serde_json::{Value, json};

/// A tool, how it is called, and the `content` that has to come back.
pub(crate) struct Feature {
    pub(crate) role: Role,
    pub(crate) name: &'static str,
    pub(crate) arguments: Value,
    pub(crate) content: Value,
    binding: Value,
}

/// The file that is uploaded.
const FILE_BYTES: usize = 1 << 20;

/// With what they need of a configuration.
pub(crate) fn setup() -> Setup {
    Setup {
        tables: "[secrets]\nallow_env = ['PATH']\n".to_owned(),
        ..Setup::default()
    }
}

/// Without a line for each request.
pub(crate) fn silent() -> Setup {
    Setup {
        tables: "[log]\nrequests = false\n".to_owned(),
        ..Setup::default()
    }
}

/// All of them, for an upstream at this port.
pub(crate) fn all(upstream_port: u16) -> Vec<Feature> {
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    let order = json!({"customer": "Ada Lovelace", "quantity": 3, "express": true});
    let origin = format!("http://127.0.0.1:{upstream_port}");
    let feature = |role, name, arguments: &Value, content, method: &str, path: &str, more: Value| {
        let mut binding = json!({"domain": origin, "method": method, "path": path});
        if let (Some(binding), Value::Object(more)) = (binding.as_object_mut(), more) {
            binding.extend(more);
        }
        Feature {
            role,
            name,
            arguments: arguments.clone(),
            content,
            binding,
        }
    };
    let form = json!({"body": {"mode": "form"}});
    let jq = json!({"response": {"jq": ".lines | map({sku, count})"}});
    let template = json!({"response": {"template": "{{ data.id }} is {{ data.state }}: {% for line in data.lines %}{{ line.count }} × {{ line.sku }}{% endfor %}"}});
    // Any secret will do, and this one is always there.
    let oauth2 = json!({"auth": {"type": "oauth2_client_credentials", "token_url": format!("{origin}/token"),
        "client_id": "bench", "client_secret": "${env:PATH}"}});
    let multipart = json!({"body": {"mode": "multipart", "parts": [
        {"name": "file", "source": "base64", "filename": "a.bin", "max_bytes": "2MiB"}]}});
    let small = text(&Upstream::body());
    vec![
        feature(Role::Form, "form", &order, small.clone(), "POST", "/orders", form),
        feature(
            Role::Jq,
            "jq",
            &order,
            text(r#"[{"sku":"x1","count":3}]"#),
            "POST",
            "/orders",
            jq,
        ),
        feature(
            Role::Template,
            "template",
            &order,
            text("o-4711 is accepted: 3 × x1"),
            "POST",
            "/orders",
            template,
        ),
        feature(
            Role::OAuth2,
            "oauth2",
            &order,
            small.clone(),
            "POST",
            "/orders",
            oauth2,
        ),
        feature(
            Role::Multipart,
            "multipart",
            &upload_arguments(),
            small,
            "POST",
            "/orders",
            multipart,
        ),
        feature(
            Role::Large,
            "large",
            &json!({}),
            text(&Upstream::large_body()),
            "GET",
            "/large",
            json!({}),
        ),
    ]
}

/// A file as clients send it, and a field beside it.
pub(crate) fn upload_arguments() -> Value {
    // 4 characters of base64 are 3 bytes.
    let file = "QUJD".repeat(FILE_BYTES / 3);
    json!({"title": "a file", "file": file})
}

/// Stores them and the instance `features`.
pub(crate) async fn store(gateway: &Gateway, upstream_port: u16) -> Result<()> {
    let mut ids = Vec::new();
    for feature in all(upstream_port) {
        let document = json!({
            "name": feature.name,
            "description": "One feature of definitions.",
            "input_schema": {"type": "object"},
            "tds_ext_info": feature.binding,
        });
        gateway.admin().put_tool(feature.name, &document).await?;
        ids.push(feature.name);
    }
    gateway
        .admin()
        .put_instance("features", &json!({"name": "features", "tool_ids": ids}))
        .await
}
