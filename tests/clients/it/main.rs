//! Real MCP clients against `dynmcp serve`: each lists, calls, fails, is told of a change and closes. And real MCP servers behind it.

mod accounts;
mod company_login;
mod console;
mod everything;
mod fixture;
mod github;
mod inspector;
mod login;
mod odd_definitions;
mod python;
mod rust_sdk;
mod scripted;
mod sign_in;
mod typescript;
mod upstreams;
