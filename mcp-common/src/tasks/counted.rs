//! The guard by which a task is counted.

use super::{Ends, Tasks};

/// Counts one task until it is dropped; when that is because of a panic, the panic is counted, too.
#[derive(Debug)]
pub struct Counted {
    tasks: Tasks,
    name: &'static str,
    awaited: Option<Ends>,
}

impl Counted {
    /// `awaited` says how it ends, where the end waits for it.
    pub(super) fn new(tasks: &Tasks, name: &'static str, awaited: Option<Ends>) -> Self {
        tasks.change(name, |row| {
            row.running += 1;
            if let Some(ends) = awaited {
                row.awaited[ends as usize] += 1;
            }
            row.started_anew();
        });
        Self {
            tasks: tasks.clone(),
            name,
            awaited,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn wait(&self) {
        self.tasks.change(self.name, |row| row.waiting += 1);
    }

    pub(super) fn go_on(&self) {
        self.tasks.change(self.name, |row| {
            row.waiting -= 1;
            row.started_anew();
        });
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let is_panic = std::thread::panicking();
        self.tasks.change(self.name, |row| {
            row.running -= 1;
            if let Some(ends) = self.awaited {
                row.awaited[ends as usize] -= 1;
            }
            if is_panic {
                row.failed();
            }
        });
    }
}
