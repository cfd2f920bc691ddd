//! Twice as much takes twice as long: whatever a call's arguments or an upstream's answer are made of.

mod answers;
mod arguments;

use crate::{
    calling::{engine, roomy_engine},
    growth,
};
use bytes::Bytes;
use http::Response;
use mcp_common::authenticator::Principal;
use mcp_core::{
    engine::CallContext,
    tool::{CompiledTool, InstanceNames},
};
use serde_json::value::RawValue;

/// There are many of them, and tests are not optimised. The bounds themselves are reached where single steps are measured.
const ARGUMENTS: usize = growth::ARGUMENTS / 16;
const ANSWER: usize = growth::ANSWER / 16;

/// Makes the request of arguments, whether it is one that can be sent or not.
#[track_caller]
fn requests(what: &str, tool: &CompiledTool, arguments: impl Fn(usize) -> String) {
    let engine = engine();
    let make = |size| RawValue::from_string(arguments(size)).unwrap();
    growth::is_linear(what, ARGUMENTS, make, |arguments| {
        let context = CallContext {
            instance: &InstanceNames::id_only("support"),
            principal: &Principal::named("alice"),
            arguments: Some(arguments),
            headers: None,
        };
        drop(engine.plan(tool, context));
    });
}

/// Shapes answers.
#[track_caller]
fn shapes(what: &str, tool: &CompiledTool, content_type: &str, body: impl Fn(usize) -> Vec<u8>) {
    let engine = roomy_engine();
    let make = |size| Bytes::from(body(size));
    growth::is_linear(what, ANSWER, make, |body| {
        let answer = Response::builder().header("content-type", content_type);
        drop(engine.shape(tool, answer.body(body.clone()).unwrap()));
    });
}

/// `piece` again and again with commas between.
fn list(piece: &str, size: usize) -> String {
    let count = (size / (piece.len() + 1)).max(1);
    format!("[{}{piece}]", format!("{piece},").repeat(count - 1))
}

/// An object of that many bytes with a name of its own for each value.
fn members(value: &str, size: usize) -> String {
    let count = size / (value.len() + 12);
    let members: Vec<String> = (0..count).map(|n| format!("\"m{n:07}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// `inner` in as many lists and objects as may be.
fn nested(inner: &str) -> String {
    format!("{}{inner}{}", "[{\"a\":".repeat(30), "}]".repeat(30))
}
