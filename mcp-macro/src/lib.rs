//! `#[datasource("name")]`, `#[authenticator("name")]`, `#[authorizer("name")]`, `#[discovery("name")]` and `#[health_probe("name")]`: put one of
//! them on the factory's `impl` block and the plugin is registered.
//!
//! ```ignore
//! use mcp_common::{datasource, datasource::DataSource, plugin::{DataSourceFactory, PluginError, Settings}};
//!
//! #[derive(Default)]
//! struct Redis;
//!
//! #[datasource("redis")]
//! #[async_trait::async_trait]
//! impl DataSourceFactory for Redis {
//!     async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> { … }
//! }
//! ```
//!
//! The macros only emit the block as it is and one `inventory` entry beside it, which makes the factory by `Default`
//! when the plugin is selected; nothing runs before `main`. All logic lives in `mcp-common::plugin`. The crate needs
//! `mcp-common` as a dependency, and the gateway must link the crate (`use my_plugin as _;`).

mod register;

use proc_macro::TokenStream;
use register::Port;

/// Registers the annotated `impl DataSourceFactory for …` under a name that `app.data_source` can select.
#[proc_macro_attribute]
pub fn datasource(name: TokenStream, item: TokenStream) -> TokenStream {
    let port = Port {
        attribute: "datasource",
        factory: "DataSourceFactory",
        entry: "DataSourceEntry",
    };
    port.register(name.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Registers the annotated `impl AuthenticatorFactory for …` under a name that `app.authenticators` can select.
#[proc_macro_attribute]
pub fn authenticator(name: TokenStream, item: TokenStream) -> TokenStream {
    let port = Port {
        attribute: "authenticator",
        factory: "AuthenticatorFactory",
        entry: "AuthenticatorEntry",
    };
    port.register(name.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Registers the annotated `impl AuthorizerFactory for …` under a name that `access.external.authorizer` can select.
#[proc_macro_attribute]
pub fn authorizer(name: TokenStream, item: TokenStream) -> TokenStream {
    let port = Port {
        attribute: "authorizer",
        factory: "AuthorizerFactory",
        entry: "AuthorizerEntry",
    };
    port.register(name.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Registers the annotated `impl DiscoveryFactory for …` under a name that `type` of a `[[discovery]]` can select.
#[proc_macro_attribute]
pub fn discovery(name: TokenStream, item: TokenStream) -> TokenStream {
    let port = Port {
        attribute: "discovery",
        factory: "DiscoveryFactory",
        entry: "DiscoveryEntry",
    };
    port.register(name.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Registers the annotated `impl HealthProbeFactory for …` under a name that `health.probe` of an upstream can select.
#[proc_macro_attribute]
pub fn health_probe(name: TokenStream, item: TokenStream) -> TokenStream {
    let port = Port {
        attribute: "health_probe",
        factory: "HealthProbeFactory",
        entry: "HealthProbeEntry",
    };
    port.register(name.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
