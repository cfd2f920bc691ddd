//! Requests that are being answered and can be given up, by the text of their ids. A client must not use an id twice at once;
//! where it does, the end of the one is not that of the other.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::task::AbortHandle;

/// Those of one client.
#[derive(Default)]
pub(crate) struct OpenRequests(Mutex<Table>);

#[derive(Default)]
struct Table {
    given: u64,
    open: HashMap<String, (u64, AbortHandle)>,
}

impl OpenRequests {
    /// Begins one. `spawn` gets the number by which it [ends](Self::end).
    pub(crate) fn begin(&self, id: String, spawn: impl FnOnce(u64) -> AbortHandle) {
        // Held until it is there: the work may be over before.
        let mut table = self.lock();
        table.given += 1;
        let number = table.given;
        let work = spawn(number);
        table.open.insert(id, (number, work));
    }

    /// It is over.
    pub(crate) fn end(&self, id: &str, number: u64) {
        let mut table = self.lock();
        if table.open.get(id).is_some_and(|(own, _)| *own == number) {
            table.open.remove(id);
        }
    }

    /// Gives one up.
    pub(crate) fn cancel(&self, id: &str) {
        if let Some((_, work)) = self.lock().open.remove(id) {
            work.abort();
        }
    }

    /// Gives all of them up.
    pub(crate) fn cancel_all(&self) {
        for (_, (_, work)) in self.lock().open.drain() {
            work.abort();
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().open.len()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn the_end_of_one_leaves_a_later_one_of_its_id_alone() {
        let requests = OpenRequests::default();
        let begin = || {
            let mut given = 0;
            let mut work = None;
            requests.begin("1".to_owned(), |number| {
                let task = tokio::spawn(pending::<()>());
                let handle = task.abort_handle();
                (given, work) = (number, Some(task));
                handle
            });
            (given, work.unwrap())
        };
        let ((first, _), (second, work)) = (begin(), begin());
        requests.end("1", first);
        assert_eq!(requests.len(), 1);
        requests.cancel("1");
        assert!(work.await.unwrap_err().is_cancelled());
        requests.end("1", second);
        let (_, work) = begin();
        requests.cancel_all();
        assert!(work.await.unwrap_err().is_cancelled());
        assert_eq!(requests.len(), 0);
    }
}
