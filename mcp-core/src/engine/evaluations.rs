//! Where jq programs run that take longer than a moment: beside the workers, whose other calls would wait, and a few at
//! once, so that they leave the machine to everybody else.

use super::{failure::Failure, result::Outcome};
use crate::tool::{Call, Effort, Ended};
use std::{sync::Arc, thread, time::Duration};
use tokio::sync::Semaphore;

/// How long a program waits for its turn. Each one before it has an end of its own.
const PATIENCE: Duration = Duration::from_secs(5);

/// All clones count together.
#[derive(Clone, Debug)]
pub struct Evaluations {
    permits: Arc<Semaphore>,
}

impl Evaluations {
    /// So many at once.
    pub fn at_once(count: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(count)),
        }
    }

    /// Runs the tool's program over a JSON text. The inner error is what is wrong with the program or the answer.
    pub(super) async fn run(
        &self,
        call: &Arc<Call>,
        json: String,
        limit: usize,
    ) -> Result<Result<String, String>, Failure> {
        let turn = tokio::time::timeout(PATIENCE, self.permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            let text = "Too many answers are being shaped now by programs that take long (`response.jq`). Try again.";
            return Err(Failure::new(Outcome::Overloaded, text));
        };
        let call = call.clone();
        let run = tokio::task::spawn_blocking(move || {
            // Given back when the program has ended, also where nobody waits for it any more.
            let _permit = permit;
            let program = call.response.as_ref().and_then(|response| response.jq.as_ref());
            program.map(|program| program.run(&json, limit, Effort::Full))
        });
        Ok(match run.await {
            Ok(Some(Ok(data))) => Ok(data),
            Ok(Some(Err(Ended::Failed(reason)))) => Err(reason),
            Ok(Some(Err(Ended::Long)) | None) | Err(_) => Err("could not be run".to_owned()),
        })
    }
}

/// Half of the machine.
impl Default for Evaluations {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self::at_once((threads / 2).max(1))
    }
}
