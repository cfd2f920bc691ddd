//! Entries that end, in the words of MySQL and MariaDB. Names are bytes: no collation is to find two of them alike.

use crate::datasource::change_log::leases::{Statements, steps};
use sqlx::MySqlConnection;

const STATEMENTS: Statements = Statements {
    make: "CREATE TABLE IF NOT EXISTS dynmcp_leases (
        name VARBINARY(512) NOT NULL, body MEDIUMTEXT NOT NULL, version BIGINT NOT NULL, expires_at BIGINT NOT NULL,
        PRIMARY KEY (name)) DEFAULT CHARSET = utf8mb4",
    purge: "DELETE FROM dynmcp_leases WHERE expires_at < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
    all: "SELECT CONVERT(name USING utf8mb4), body, version FROM dynmcp_leases",
    mark: "SELECT CAST(COALESCE(SUM(version), 0) + COUNT(*) AS SIGNED) FROM dynmcp_leases",
    insert: "INSERT IGNORE INTO dynmcp_leases (name, body, version, expires_at)
        VALUES (?, ?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + ?)",
    update: "UPDATE dynmcp_leases
        SET body = ?, version = version + 1, expires_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + ?
        WHERE name = ? AND version = ?",
    remove: "DELETE FROM dynmcp_leases WHERE name = ? AND version = ?",
    find: "SELECT version FROM dynmcp_leases WHERE name = ?",
};

steps!(MySqlConnection);
