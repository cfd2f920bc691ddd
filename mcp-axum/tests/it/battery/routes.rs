//! The routes, as the router has them, and which of them are for everybody.

use crate::test_app::TestApp;
use mcp_axum::app;
use mcp_core::{engine::Engine, protocol::Endpoint};
use regex::Regex;
use std::collections::BTreeSet;

/// What is for everybody: it is the same for every gateway, or says nothing of this one; and the door where a key is exchanged, which asks
/// for one in its body.
pub const OPEN: &[&str] = &[
    "/",
    "/front.css",
    "/healthz",
    "/livez",
    "/readyz",
    "/admin/docs",
    "/admin/docs/docs.css",
    "/admin/docs/docs.js",
    "/admin/openapi.json",
    // The same under an older name.
    "/api-docs/openapi.json",
    // Whether it is well.
    "/health",
    // Leads to the documentation.
    "/swagger-ui",
    "/swagger-ui/",
    "/swagger-ui/index.html",
    "/admin/schema/{file}",
    "/api/v1/auth/token",
    "/.well-known/oauth-protected-resource/mcp/{instance}",
    // Where a browser comes back to from a login: what counts is what it brings.
    "/oauth/callback/{upstream}",
    // Who the gateway is, for authorization servers.
    "/oauth/client/{document}",
    // With whom people sign in, and where they are led to and come back from: what counts is what they bring.
    "/sign-in",
    "/sign-in/{name}",
    "/sign-in/callback",
    "/sign-in/out",
    // Where callers show who they are, and see what is theirs afterwards.
    "/connect",
    "/connect/{ticket}",
];
/// The page of the console and what it loads: it shows nothing without a key.
const CONSOLE: &str = "/console";

/// Where a credential is asked for.
pub fn guarded(app: &TestApp) -> Vec<String> {
    let is_guarded = |route: &String| !OPEN.contains(&route.as_str()) && !route.starts_with(CONSOLE);
    all(app).into_iter().filter(is_guarded).collect()
}

/// As the router has them, whoever may come.
pub fn all(app: &TestApp) -> BTreeSet<String> {
    let shared = app.app();
    let engine = Engine::new((*shared.engine).clone(), shared.services.clone());
    let router = app::router(shared.clone(), Endpoint::new(shared.gateway.clone(), engine));
    let shown = format!("{router:?}");
    let path = Regex::new(r#"RouteId\(\d+\): "([^"]+)""#).unwrap();
    let routes: BTreeSet<String> = path
        .captures_iter(&shown)
        .map(|found| found[1].to_owned())
        .collect();
    // What answers where there is nothing.
    let routes: BTreeSet<String> = routes
        .into_iter()
        .filter(|route| !route.contains("__private__"))
        .collect();
    for known in ["/mcp/{instance}", "/admin/keys/{id}", "/metrics"] {
        assert!(routes.contains(known), "{known} is not among {routes:?}");
    }
    routes
}

/// One of the things that there are on it.
pub fn filled(route: &str) -> String {
    let parameter = Regex::new(r"\{[^}]+\}").unwrap();
    let values = route
        .replace("{instance}", "desk")
        .replace("{file}", "tds.json")
        .replace("{format}", "openapi")
        .replace("{revision}", "1");
    parameter.replace_all(&values, "x").into_owned()
}

/// The door that it is part of, for people.
pub fn door(route: &str) -> String {
    let first = route.split('/').nth(1).unwrap_or_default();
    match first {
        "mcp" | "ws" | "sse" | "messages" => "MCP".to_owned(),
        "instances" | "tools" | "resources" | "info" => "REST".to_owned(),
        other => format!("`/{other}`"),
    }
}
