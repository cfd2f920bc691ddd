//! Which definitions a store has, asked past the gateways.

use crate::Row;
use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ColumnIndex, Connection, Database, Decode, Executor, IntoArguments, Type};
use std::{collections::BTreeSet, fs, io, path::Path};

/// `TDS` or `IDS`, and the id.
pub(crate) type Ids = BTreeSet<(String, String)>;

/// The active rows of the table `dynmcp_xds`.
pub(crate) async fn sql<DB, C>(url: &str, key: &str) -> Result<Ids>
where
    DB: Database,
    C: Connection<Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut C: Executor<'c, Database = DB>,
    for<'r> String: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let mut connection = C::connect(url).await?;
    let select = format!("SELECT xds_type, {key} FROM dynmcp_xds WHERE status = 1");
    let rows = sqlx::query_as(AssertSqlSafe(select));
    let ids: Vec<(String, String)> = rows.fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(ids.into_iter().collect())
}

/// The keys under the default prefix.
pub(crate) async fn etcd(url: &str) -> Result<Ids> {
    let all = json!({
        "key": BASE64_STANDARD.encode("/dynmcp/"),
        "range_end": BASE64_STANDARD.encode("/dynmcp0"),
        "keys_only": true,
    });
    let range = reqwest::Client::new()
        .post(format!("{url}/v3/kv/range"))
        .json(&all);
    let found: Value = range.send().await?.error_for_status()?.json().await?;
    let id = |key: &str| {
        let (kind, id) = key.strip_prefix("/dynmcp/")?.split_once('/')?;
        Some((kind.to_uppercase(), id.to_owned()))
    };
    // There is no member `kvs` where nothing was found.
    let records = found["kvs"].as_array().into_iter().flatten();
    let keys = records.map(|record| {
        let key = BASE64_STANDARD.decode(record["key"].as_str().context("a record without key")?)?;
        let key = String::from_utf8(key)?;
        id(&key).with_context(|| format!("an unexpected key: {key}"))
    });
    keys.collect()
}

/// The files that gateways wrote or [`save`] did, of ids that need no encoding.
pub(crate) fn folder(path: &Path) -> Result<Ids> {
    let mut ids = Ids::new();
    for (whose, kind) in [("admin", "tds"), ("admin", "ids"), ("", "tds"), ("", "ids")] {
        let files = match fs::read_dir(path.join(whose).join(kind)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            files => files?,
        };
        for file in files {
            let name = file?.file_name().to_string_lossy().into_owned();
            // What is half-written would be something else than `ID.json`.
            let id = name
                .strip_suffix(".json")
                .with_context(|| format!("an unexpected file: {name}"))?;
            ids.insert((kind.to_uppercase(), id.to_owned()));
        }
    }
    Ok(ids)
}

/// A definition as one file of its own, as a person would save it.
pub(crate) fn save(path: &Path, rows: &[Row]) -> Result<()> {
    for (kind, id, document) in rows {
        let folder = path.join(kind.to_lowercase());
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{id}.json")), document)?;
    }
    Ok(())
}
