//! The input of a program. Whoever calls writes into it; what finds no room there waits, and what comes after that, too.

use super::line;
use crate::upstream::conduit::WAITING;
use bytes::{Buf, Bytes};
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::{
    net::unix::pipe::Sender,
    process::ChildStdin,
    sync::mpsc::{self, Permit},
};

/// Where messages to a program leave.
#[derive(Debug)]
pub(in crate::upstream) struct Input {
    /// It is closed with the task that writes what waits.
    pipe: Weak<Sender>,
    queue: mpsc::Sender<Bytes>,
    /// Lines that are not written as a whole.
    waiting: Arc<Mutex<usize>>,
}

/// Nobody writes to the program any more.
#[derive(Debug)]
pub(in crate::upstream) struct Closed;

impl Input {
    /// With the task that writes what waits: the input is open as long as it runs.
    pub(super) fn open(stdin: ChildStdin) -> io::Result<(Arc<Self>, impl Future<Output = ()> + Send)> {
        let pipe = Arc::new(Sender::from_owned_fd(stdin.into_owned_fd()?)?);
        let (queue, inbox) = mpsc::channel(WAITING);
        let input = Self {
            pipe: Arc::downgrade(&pipe),
            queue,
            waiting: Arc::default(),
        };
        let writing = write(pipe, inbox, input.waiting.clone());
        Ok((Arc::new(input), writing))
    }

    /// Sends a message, once there is room for one that waits.
    pub(in crate::upstream) async fn send(&self, text: &[u8]) -> Result<(), Closed> {
        let place = self.queue.reserve().await.map_err(|_| Closed)?;
        self.put(text, place)
    }

    /// Sends it, unless too many wait.
    pub(in crate::upstream) fn try_send(&self, text: &[u8]) {
        if let Ok(place) = self.queue.try_reserve() {
            // Nobody waits for it.
            let _ = self.put(text, place);
        }
    }

    fn put(&self, text: &[u8], place: Permit<'_, Bytes>) -> Result<(), Closed> {
        let mut line = Bytes::from(line(text));
        let mut waiting = lock(&self.waiting);
        if *waiting == 0 {
            // An error is found by the task as well, which ends then.
            let written = self.pipe.upgrade().ok_or(Closed)?.try_write(&line);
            line.advance(written.unwrap_or_default());
            if line.is_empty() {
                return Ok(());
            }
        }
        *waiting += 1;
        place.send(line);
        Ok(())
    }
}

async fn write(pipe: Arc<Sender>, mut inbox: mpsc::Receiver<Bytes>, waiting: Arc<Mutex<usize>>) {
    while let Some(mut rest) = inbox.recv().await {
        while !rest.is_empty() {
            if pipe.writable().await.is_err() {
                return;
            }
            match pipe.try_write(&rest) {
                Ok(written) => rest.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
        *lock(&waiting) -= 1;
    }
}

fn lock(waiting: &Mutex<usize>) -> MutexGuard<'_, usize> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;
    use tokio::{io::AsyncReadExt, process::Command};

    #[tokio::test]
    async fn lines_of_many_callers_stay_whole_where_there_is_no_room() {
        const CALLERS: usize = 8;
        const LINES: usize = 40;
        // More than a pipe takes, of a program that does not read at first.
        const SIZE: usize = 16 << 10;
        let mut program = Command::new("sh")
            .args(["-c", "sleep 0.2; cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = program.stdout.take().unwrap();
        let (input, writing) = Input::open(program.stdin.take().unwrap()).unwrap();
        let writing = tokio::spawn(writing);
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let input = input.clone();
                tokio::task::spawn_blocking(move || {
                    let text = vec![b'a' + u8::try_from(caller).unwrap(); SIZE + caller];
                    let sending = async {
                        for _ in 0..LINES {
                            input.send(&text).await.unwrap();
                        }
                    };
                    tokio::runtime::Handle::current().block_on(sending);
                })
            })
            .collect();
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            output.read_to_end(&mut all).await.unwrap();
            all
        });
        for caller in callers {
            caller.await.unwrap();
        }
        // The task has it when nobody waits any more; its end is the end of the input.
        while *lock(&input.waiting) > 0 {
            tokio::task::yield_now().await;
        }
        writing.abort();
        let all = reading.await.unwrap();
        let mut counts = [0; CALLERS];
        for line in all.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let caller = usize::from(line[0] - b'a');
            assert!(line.iter().all(|byte| *byte == line[0]), "lines are mixed");
            assert_eq!(line.len(), SIZE + caller);
            counts[caller] += 1;
        }
        assert_eq!(counts, [LINES; CALLERS]);
        assert!(matches!(input.send(b"late").await, Err(Closed)));
    }
}
