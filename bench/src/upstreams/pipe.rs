//! The program without a gateway: asked over its pipes by the load itself.

use super::{program, site::is_answer};
use crate::{cpu, load::Run, report::Sample, request::Request, turns::WARM_UP};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// Stands for the id in the texts below.
const ID: u64 = 18_446_744_073_709_551_615;

/// A running program.
pub(super) struct Piped {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Before and behind the id.
    request: (String, String),
    answer: (String, String),
    next: u64,
}

impl Piped {
    pub(super) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("program")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let params = json!({"name": format!("{}_000", program::TOOLS), "arguments": Request::arguments()});
        let mut piped = Self {
            child,
            input,
            output,
            request: around(&(Request::message(ID, "tools/call", params) + "\n"))?,
            answer: (String::new(), String::new()),
            next: 1,
        };
        piped.send(ID)?;
        let line = piped.line()?;
        is_answer(line.as_bytes())?;
        piped.answer = around(&line)?;
        Ok(piped)
    }

    /// So many requests under way, each followed by another one.
    pub(super) fn measure(&mut self, under_way: usize, time: Duration) -> Result<Sample> {
        self.run(under_way, WARM_UP)?;
        let before = cpu::used(self.child.id())?;
        let run = self.run(under_way, time)?;
        let used = cpu::used(self.child.id())?.saturating_sub(before);
        Ok(Sample::new(&run, Some(used)))
    }

    fn run(&mut self, under_way: usize, time: Duration) -> Result<Run> {
        let start = Instant::now();
        let (mut sent, mut latencies) = (VecDeque::new(), Vec::new());
        for _ in 0..under_way {
            sent.push_back(self.ask(Instant::now())?);
        }
        // Answered in the order in which they were asked.
        while let Some((id, begun)) = sent.pop_front() {
            let line = self.line()?;
            let (before, behind) = &self.answer;
            ensure!(
                line == format!("{before}{id}{behind}"),
                "another answer than expected: {line}"
            );
            let now = Instant::now();
            latencies.push(u64::try_from((now - begun).as_nanos())?);
            if now < start + time {
                sent.push_back(self.ask(now)?);
            }
        }
        latencies.sort_unstable();
        Ok(Run {
            elapsed: start.elapsed(),
            latencies,
            parts: 0,
        })
    }

    fn ask(&mut self, now: Instant) -> Result<(u64, Instant)> {
        let id = self.next;
        self.next += 1;
        self.send(id)?;
        Ok((id, now))
    }

    fn send(&mut self, id: u64) -> Result<()> {
        let (before, behind) = &self.request;
        Ok(self.input.write_all(format!("{before}{id}{behind}").as_bytes())?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line)?;
        ensure!(read > 0, "the program has ended");
        Ok(line)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn around(text: &str) -> Result<(String, String)> {
    let (before, behind) = text.split_once(&ID.to_string()).context("no id")?;
    Ok((before.to_owned(), behind.to_owned()))
}
