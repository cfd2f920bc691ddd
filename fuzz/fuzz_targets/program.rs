//! Whatever a jq program is, it is refused or ends within its bounds.
#![no_main]

use dynmcp_fuzz::{definition, shape, tool};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const BODY: &[u8] =
    br#"{"items":[{"id":1,"name":"Ada","tags":["a","b"],"price":1.50},{"id":2,"name":null}],"total":12345678901234567890}"#;

fuzz_target!(|program: &str| {
    if let Some(tool) = tool(&definition(json!({}), json!({"response": {"jq": program}}))) {
        shape(&tool, "application/json", BODY);
    }
});
