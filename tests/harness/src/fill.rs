//! Writes very many definitions past the gateway, as a platform team's pipeline would.

use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use sqlx::{Connection, Database, Encode, Executor, IntoArguments, QueryBuilder, Type};

/// Rows of one statement, or operations of one transaction.
const TOGETHER: usize = 100;

/// What to write: `TDS` or `IDS`, the id, the document.
pub type Row = (&'static str, String, String);

/// Into the table `dynmcp_xds`, which a gateway has made.
pub(crate) async fn sql<DB, C>(url: &str, key: &str, rows: &[Row]) -> Result<()>
where
    DB: Database,
    C: Connection<Database = DB>,
    for<'q> DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut C: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
{
    let mut connection = C::connect(url).await?;
    (&mut connection).execute("BEGIN").await?;
    for chunk in rows.chunks(TOGETHER) {
        let columns = format!("INSERT INTO dynmcp_xds ({key}, xds_type, xds_json) ");
        let mut insert = QueryBuilder::<DB>::new(columns);
        insert.push_values(chunk, |mut row, (kind, id, document)| {
            row.push_bind(id.as_str())
                .push_bind(*kind)
                .push_bind(document.as_str());
        });
        insert.build().execute(&mut connection).await?;
    }
    (&mut connection).execute("COMMIT").await?;
    Ok(connection.close().await?)
}

/// Under the default prefix, over etcd's API of JSON, so that it is not the gateway's client that is believed.
pub(crate) async fn etcd(url: &str, rows: &[Row]) -> Result<()> {
    let client = reqwest::Client::new();
    for chunk in rows.chunks(TOGETHER) {
        let put = |(kind, id, document): &Row| {
            let key = BASE64_STANDARD.encode(format!("/dynmcp/{}/{id}", kind.to_lowercase()));
            json!({ "requestPut": { "key": key, "value": BASE64_STANDARD.encode(document) } })
        };
        let puts: Vec<_> = chunk.iter().map(put).collect();
        let txn = client
            .post(format!("{url}/v3/kv/txn"))
            .json(&json!({ "success": puts }));
        txn.send().await?.error_for_status()?;
    }
    Ok(())
}
