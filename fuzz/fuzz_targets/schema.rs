//! Whatever a schema is, it is refused, or arguments and answers are held to it within bounds.
#![no_main]

use dynmcp_fuzz::{definition, plan, shape, tool};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json, value::RawValue};

const VALUES: [&str; 3] = [
    r#"{"a":"2026-01-01T00:00:00Z","b":[1,1,2,"x"],"c":{"d":-1.5e3,"e":null}}"#,
    r#"{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!","b":[[[[]]]],"c":1}"#,
    "{}",
];

fuzz_target!(|text: &str| {
    let Ok(schema) = serde_json::from_str::<Value>(text) else {
        return;
    };
    if let Some(tool) = tool(&definition(json!({"input_schema": schema}), json!({}))) {
        for value in VALUES {
            let value: &RawValue = serde_json::from_str(value).expect("JSON");
            plan(&tool, Some(value));
        }
    }
    if let Some(tool) = tool(&definition(json!({"output_schema": schema}), json!({}))) {
        for value in VALUES {
            shape(&tool, "application/json", value.as_bytes());
        }
    }
});
