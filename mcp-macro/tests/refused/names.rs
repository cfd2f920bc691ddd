struct Redis;
trait DataSourceFactory {}

#[mcp_macro::datasource("Redis")]
impl DataSourceFactory for Redis {}

#[mcp_macro::datasource("")]
impl DataSourceFactory for Redis {}

#[mcp_macro::datasource]
impl DataSourceFactory for Redis {}

#[mcp_macro::datasource(redis)]
impl DataSourceFactory for Redis {}

#[mcp_macro::authenticator(7)]
impl DataSourceFactory for Redis {}

fn main() {}
