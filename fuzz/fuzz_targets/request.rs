//! Whatever a client posts, the envelope is parsed or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let _ = mcp_core::protocol::envelope::parse(body);
});
