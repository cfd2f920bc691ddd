//! What PostgreSQL's error codes mean, and which rights the gateway needs.

use crate::datasource::change_log::{Meaning, Place};
use sqlx::error::DatabaseError;

/// https://www.postgresql.org/docs/current/errcodes-appendix.html
pub(super) fn meaning(error: &dyn DatabaseError) -> Meaning {
    let code = error.code().unwrap_or_default();
    match &*code {
        "40P01" | "40001" => Meaning::Clash,
        "55P03" => Meaning::Locked,
        "53100" => Meaning::Full,
        "25006" => Meaning::ReadOnly,
        "3D000" => Meaning::UnknownDatabase,
        "42501" => Meaning::Rights,
        // A transaction in which the server heard nothing for too long, or that took too long.
        "25P03" | "25P04" => Meaning::Passing,
        "42P01" | "42703" | "42883" => Meaning::Schema,
        "54000" | "54001" => Meaning::TooLarge,
        // Resources, an operator's intervention, a broken connection.
        code if code.starts_with("53") || code.starts_with("57") || code.starts_with("08") => {
            Meaning::Passing
        }
        code if code.starts_with("28") => Meaning::Login,
        _ => Meaning::Other,
    }
}

pub(super) fn grant(place: &Place) -> String {
    let user = &place.user;
    format!(
        "for the first start an administrator has to run `GRANT USAGE, CREATE ON SCHEMA public TO \"{user}\"` (and \
         `ALTER TABLE dynmcp_xds OWNER TO \"{user}\"` if the table is there already); after it USAGE and `GRANT SELECT, \
         INSERT, UPDATE, DELETE ON dynmcp_xds, dynmcp_changes, dynmcp_store, dynmcp_revision TO \"{user}\"` are enough"
    )
}
