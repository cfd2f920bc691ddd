//! Whatever a template is, it is refused or ends within its bounds, wherever it stands.
#![no_main]

use dynmcp_fuzz::{definition, plan, shape, tool};
use libfuzzer_sys::fuzz_target;
use serde_json::{json, value::RawValue};
use std::sync::LazyLock;

static ARGUMENTS: LazyLock<Box<RawValue>> = LazyLock::new(|| {
    let text = r#"{"a":"x<&>\"'","b":[3,1,2],"c":{"d":1.50,"e":null},"f":true}"#;
    RawValue::from_string(text.to_owned()).expect("JSON")
});
const BODY: &[u8] = br#"{"items":[{"id":1,"name":"Ada"},{"id":2,"name":null}],"code":0}"#;

fuzz_target!(|text: &str| {
    let bindings = [
        json!({"headers": {"X-A": text}}),
        json!({"query": {"q": text}}),
        json!({"body": {"mode": "json", "template": {"a": text}}}),
        json!({"body": {"mode": "raw", "content_type": "application/xml", "template": text}}),
    ];
    for binding in bindings {
        if let Some(tool) = tool(&definition(json!({}), binding)) {
            plan(&tool, Some(&ARGUMENTS));
        }
    }
    for response in [json!({"template": text}), json!({"success": text})] {
        if let Some(tool) = tool(&definition(json!({}), json!({"response": response}))) {
            shape(&tool, "application/json", BODY);
        }
    }
});
