//! Brings the schema up to date, or says what that would mean.

use super::{
    Existing, Fault, Migrated, Migrations, Patience,
    dialect::{ConnectionOf, Dialect, OptionsOf},
};
use mcp_common::migration::Migrate;
use sqlx::Connection;

/// What a gateway does before it uses a store; how large a document may be.
pub(crate) async fn prepare<D: Dialect>(
    options: &OptionsOf<D>,
    patience: Patience,
    migrations: Migrations,
    history: u32,
) -> Result<usize, Fault> {
    let mut connection = D::connect(options, patience).await?;
    let found = patience.in_time(version::<D>(&mut connection)).await?;
    if found != Some(D::VERSION) {
        if migrations == Migrations::Never {
            let wanted = D::VERSION;
            return Err(Fault::Outdated { found, wanted });
        }
        patience.migrates(D::apply(&mut connection)).await?.log();
    }
    let finishing = async {
        let largest = D::begin(&mut connection, history).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(largest)
    };
    patience.in_time(finishing).await
}

/// What `dynmcp migrate` does.
pub(crate) async fn migrate<D: Dialect>(
    options: &OptionsOf<D>,
    patience: Patience,
    migrate: Migrate,
) -> Result<Migrated, Fault> {
    let mut connection = D::connect(options, patience).await?;
    let mut migrated = match migrate {
        Migrate::Apply => patience.migrates(D::apply(&mut connection)).await?,
        Migrate::Check => patience.in_time(pending::<D>(&mut connection)).await?,
    };
    let are_there = patience.in_time(has_leases::<D>(&mut connection)).await?;
    if migrate == Migrate::Apply && !are_there {
        patience.in_time(D::make_leases(&mut connection)).await?;
    }
    migrated.and_leases(are_there);
    Ok(migrated)
}

/// Whether the table of entries that end is there, as far as this account can see.
async fn has_leases<D: Dialect>(connection: &mut ConnectionOf<D>) -> Result<bool, sqlx::Error> {
    match D::leases_mark(connection).await {
        Err(sqlx::Error::Database(error)) => {
            // That of PostgreSQL, and that of MySQL.
            Ok(!matches!(error.code().as_deref(), Some("42P01" | "42S02")))
        }
        done => done.map(|_| true),
    }
}

/// What is to do; nothing is written.
pub(crate) async fn pending<D: Dialect>(connection: &mut ConnectionOf<D>) -> Result<Migrated, Fault> {
    let found = version::<D>(connection).await?;
    if found == Some(D::VERSION) {
        return Ok(Migrated::up_to_date(D::VERSION));
    }
    let existing = D::existing(connection).await?;
    let taking_over = existing.as_ref().map(Existing::step).into_iter();
    let steps = D::STEPS.iter().map(|step| (*step).to_owned());
    Ok(Migrated {
        found,
        steps: taking_over.chain(steps).collect(),
    })
}

async fn version<D: Dialect>(connection: &mut ConnectionOf<D>) -> Result<Option<i64>, Fault> {
    match D::version(connection).await? {
        Some(version) if version > D::VERSION => Err(Fault::Newer(version)),
        found => Ok(found),
    }
}
