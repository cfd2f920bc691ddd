//! Whatever a foreign description says, it is imported or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_core::authoring::{import::{Format, ImportOptions, import}, change_plan::Stored};
use std::sync::LazyLock;

static OPTIONS: LazyLock<ImportOptions> = LazyLock::new(|| ImportOptions {
    instance: "fuzz".to_owned(),
    ..ImportOptions::default()
});

fuzz_target!(|text: &str| {
    for format in [Format::OpenApi, Format::Curl, Format::Postman, Format::Har] {
        let _ = import(format, text, &OPTIONS, &Stored::default());
    }
});
