//! `GET /admin/openapi.json`: the admin API, described. Public: it is the same for every gateway.

mod documents;
mod explain;
mod imports;
mod instances;
mod operation;
mod plans;
mod refusal;
mod tools;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "DynMCP admin API",
        description = "Tools (TDS) and instances (IDS) of a DynMCP gateway. A write is validated by compiling, stored, \
                       and served by the next request on this replica. Unknown members of a document are kept, and \
                       reported in `warnings`.",
        license(name = "MIT", identifier = "MIT")
    ),
    servers((url = "/", description = "this gateway")),
    paths(
        tools::list_tools, tools::get_tool, tools::put_tool, tools::delete_tool, tools::tool_history,
        tools::tool_revision, tools::tool_diff, tools::tool_rollback, explain::explain_tool,
        instances::list_instances, instances::get_instance, instances::put_instance, instances::delete_instance,
        instances::instance_history, instances::instance_revision, instances::instance_diff, instances::instance_rollback,
        imports::import, plans::plan, plans::apply, plans::export, plans::verify,
        operation::quarantine, operation::status, operation::schema,
    ),
    components(schemas(refusal::Failure)),
    tags(
        (name = "tools", description = "Tool definitions (Tool Discovery Service)"),
        (name = "instances", description = "Instances (Instance Discovery Service): one is one virtual MCP server"),
        (name = "operation", description = "How the gateway is doing"),
    ),
    security(("bearer" = []), ("api_key" = [])),
    modifiers(&Keys)
)]
struct AdminApi;

/// The two ways to send a key.
struct Keys;

impl Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("x-api-key")));
        components.add_security_scheme("bearer", bearer);
        components.add_security_scheme("api_key", header);
    }
}

/// Built when asked for: it is asked for rarely.
pub(super) async fn document() -> Response {
    let mut api = serde_json::to_value(AdminApi::openapi()).unwrap_or_default();
    documents::fill_in(&mut api);
    Json(api).into_response()
}
