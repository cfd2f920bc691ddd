//! What MySQL's error numbers mean, and which rights the gateway needs.

use crate::datasource::change_log::{Meaning, Place};
use sqlx::{error::DatabaseError, mysql::MySqlDatabaseError};

/// https://mariadb.com/kb/en/mariadb-error-code-reference/
pub(super) fn meaning(error: &dyn DatabaseError) -> Meaning {
    let number = error
        .try_downcast_ref::<MySqlDatabaseError>()
        .map(MySqlDatabaseError::number);
    match number {
        // Too many connections (of all, of this user), shutting down, killed, starting, out of memory; silent or busy for
        // longer than the server allows.
        Some(
            1040 | 1203 | 1226 | 1053 | 1317 | 1927 | 1077 | 1078 | 1079 | 1037 | 1038 | 1041 | 4031 | 1969
            | 3024,
        ) => Meaning::Passing,
        // Deadlock; a row changed since it was read.
        Some(1213 | 1020) => Meaning::Clash,
        Some(1205 | 3572) => Meaning::Locked,
        Some(1021 | 1114) => Meaning::Full,
        // A file could not be written, and the text says why.
        Some(3 | 1026 | 1030) if error.message().contains("No space left") => Meaning::Full,
        Some(1290 | 1792 | 1836 | 3100) => Meaning::ReadOnly,
        // Password, host, plugin, expired password, account locked, TLS required by the account.
        Some(1045 | 1130 | 1131 | 1524 | 1698 | 1820 | 1862 | 3118 | 4151 | 2059) => Meaning::Login,
        // Only with TLS.
        Some(3159) => Meaning::Tls,
        Some(1049) => Meaning::UnknownDatabase,
        Some(1044 | 1142 | 1143 | 1227 | 1370 | 1410) => Meaning::Rights,
        Some(1146 | 1054 | 1305 | 1449) => Meaning::Schema,
        Some(1153) => Meaning::TooLarge,
        Some(1419) => Meaning::TriggersForbidden,
        _ => Meaning::Other,
    }
}

pub(super) fn grant(place: &Place) -> String {
    format!(
        "an administrator has to run `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, TRIGGER ON \
         `{}`.* TO '{}'@'…'`; after the first start SELECT, INSERT, UPDATE, DELETE, TRIGGER are enough",
        place.database, place.user
    )
}
