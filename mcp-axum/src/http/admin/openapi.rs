//! `GET /admin/openapi.json`: the admin API, described. Public: it is the same for every gateway of a build.

mod access;
mod audit;
mod clients;
mod collection;
mod documents;
mod explain;
mod grants;
mod imports;
mod keys;
mod operation;
mod per_kind;
mod plans;
mod refusal;
mod upstreams;

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
        description = "The definitions of a DynMCP gateway: tools (TDS), instances (IDS) and what else it knows. A write is validated by compiling, stored, \
                       and served by the next request on this replica. Unknown members of a document are kept, and \
                       reported in `warnings`.",
        license(name = "MIT", identifier = "MIT")
    ),
    servers((url = "/", description = "this gateway")),
    paths(
        collection::list, collection::get, collection::put, collection::delete, collection::history,
        collection::revision, collection::diff, collection::rollback, explain::explain_tool,
        imports::import, plans::plan, plans::apply, plans::export, plans::verify, plans::verify_upstream,
        operation::quarantine, operation::status, operation::config_status, operation::schema, audit::audit,
        upstreams::events, upstreams::discovery, upstreams::upstreams, upstreams::upstream_status, upstreams::check_upstream, upstreams::refresh_upstream, upstreams::restart_upstream,
        upstreams::upstream_inventory, upstreams::upstream_logs, upstreams::upstream_drift, upstreams::explain_upstream, upstreams::approve_upstream,
        upstreams::begin_login, upstreams::login_state, upstreams::forget_login,
        grants::grants, grants::delete_grant,
        clients::instance_clients,
        access::explain_access, access::own_access,
        keys::create_key, keys::rotate_key, keys::activate_key, keys::inactivate_key, keys::key_usage,
    ),
    components(schemas(refusal::Failure)),
    tags(
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
    per_kind::write_out(&mut api);
    documents::fill_in(&mut api);
    Json(api).into_response()
}
