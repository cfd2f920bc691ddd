//! Plugins in a crate of their own: nothing of the gateway is changed, `main.rs` links this crate, and the
//! configuration selects the plugins by name:
//!
//! ```toml
//! [app]
//! data_source = "greeter"       # or "http"
//! authenticators = ["doorman", "api_key"]
//!
//! [data_source.greeter]
//! greeting = "Hello"
//!
//! [data_source.http]
//! url = "https://definitions.example.com/v1"
//!
//! [authenticator.doorman]
//! password = "sesame"
//!
//! [[discovery]]
//! type = "signpost"
//! signs = ["weather=https://weather.example/mcp"]
//! ```
//!
//! An upstream's document names the probe: `"health": {"enabled": true, "probe": "knock"}`.

pub mod doorman;
pub mod greeter;
pub mod http_source;
pub mod knock;
pub mod signpost;
