#[mcp_macro::datasource("redis")]
struct Redis;

#[mcp_macro::datasource("redis")]
impl Redis {}

#[mcp_macro::datasource("redis")]
impl AuthenticatorFactory for Redis {}

#[mcp_macro::authenticator("redis")]
impl DataSourceFactory for Redis {}

#[mcp_macro::authenticator("redis")]
fn redis() {}

#[mcp_macro::datasource("redis")]
impl<T> DataSourceFactory for Wrapper<T> {}

fn main() {}
