//! Entries that end, in PostgreSQL's words.

use crate::datasource::change_log::leases::{Statements, steps};
use sqlx::PgConnection;

const STATEMENTS: Statements = Statements {
    make: "CREATE TABLE IF NOT EXISTS dynmcp_leases (
        name text PRIMARY KEY, body text NOT NULL, version bigint NOT NULL, expires_at bigint NOT NULL)",
    purge: "DELETE FROM dynmcp_leases WHERE expires_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
    all: "SELECT name, body, version FROM dynmcp_leases",
    mark: "SELECT (COALESCE(sum(version), 0) + count(*))::bigint FROM dynmcp_leases",
    insert: "INSERT INTO dynmcp_leases (name, body, version, expires_at)
        VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $3)
        ON CONFLICT (name) DO NOTHING",
    update: "UPDATE dynmcp_leases
        SET body = $1, version = version + 1, expires_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $2
        WHERE name = $3 AND version = $4",
    remove: "DELETE FROM dynmcp_leases WHERE name = $1 AND version = $2",
    find: "SELECT version FROM dynmcp_leases WHERE name = $1",
};

steps!(PgConnection);
