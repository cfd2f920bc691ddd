//! Records as lines on standard output, for whoever collects that of a container.

use super::follow::Batch;
use std::{
    io::{Write, stdout},
    sync::Arc,
};

/// Whoever reads it may be slow: nobody else waits for that.
pub(super) async fn send(batch: Arc<Batch>) -> Result<(), String> {
    let written = tokio::task::spawn_blocking(move || {
        let text: String = batch.lines.iter().flat_map(|line| [line, "\n"]).collect();
        let mut out = stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    });
    match written.await {
        Ok(written) => written.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
