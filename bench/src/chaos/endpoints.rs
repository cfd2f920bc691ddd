//! The endpoints from outside: started, and what happens to them.

use super::dice::Dice;
use crate::answer;
use anyhow::{Context, Result, ensure};
use std::{
    fs, net,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

/// So many are well at any time.
const LEFT: usize = 2;
/// How long one may take until it answers.
const START: Duration = Duration::from_secs(10);

pub(super) struct Endpoints {
    folder: TempDir,
    all: Vec<Endpoint>,
}

struct Endpoint {
    port: u16,
    child: Option<Child>,
    is_well: bool,
}

impl Endpoints {
    pub(super) async fn start(count: usize) -> Result<Self> {
        let mut endpoints = Self {
            folder: TempDir::new()?,
            all: Vec::new(),
        };
        for _ in 0..count {
            let port = net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            endpoints.all.push(Endpoint {
                port,
                child: None,
                is_well: false,
            });
        }
        endpoints.recover().await?;
        Ok(endpoints)
    }

    pub(super) fn urls(&self) -> impl Iterator<Item = String> {
        self.all
            .iter()
            .map(|endpoint| format!("http://127.0.0.1:{}", endpoint.port))
    }

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// Something happens to one of them; what.
    pub(super) async fn happen(&mut self, dice: &mut Dice) -> Result<&'static str> {
        let ledger = self.ledger();
        let place = usize::try_from(dice.below(self.all.len() as u64))?;
        let well = self.all.iter().enumerate();
        let others = well
            .filter(|(other, endpoint)| *other != place && endpoint.is_well)
            .count();
        let endpoint = &mut self.all[place];
        if !endpoint.is_well || others < LEFT {
            endpoint.recover(&ledger).await?;
            return Ok("back");
        }
        match dice.below(4) {
            0 => {
                endpoint.is_well = false;
                let mut child = endpoint.child.take().context("it does not run")?;
                child.kill().await?;
                Ok("kill")
            }
            1 => {
                endpoint.is_well = false;
                endpoint.signal("STOP").await?;
                Ok("stop")
            }
            2 => {
                endpoint.is_well = false;
                endpoint
                    .tell(&format!("/slow/{}", 500 + dice.below(1_500)))
                    .await?;
                Ok("slow")
            }
            _ => {
                // Its own connection is cut, too.
                let _ = endpoint.tell("/cut").await;
                Ok("cut")
            }
        }
    }

    /// All are well again.
    pub(super) async fn recover(&mut self) -> Result<()> {
        let ledger = self.ledger();
        for endpoint in &mut self.all {
            endpoint.recover(&ledger).await?;
        }
        Ok(())
    }

    /// What was paid, in ascending order.
    pub(super) fn paid(&self) -> Result<Vec<u64>> {
        let text = fs::read_to_string(self.ledger())?;
        let mut paid = text.lines().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        paid.sort_unstable();
        Ok(paid)
    }
}

impl Endpoint {
    async fn recover(&mut self, ledger: &PathBuf) -> Result<()> {
        if self.child.is_some() {
            self.signal("CONT").await?;
        } else {
            let child = Command::new(std::env::current_exe()?)
                .args(["endpoint", "--port", &self.port.to_string(), "--ledger"])
                .arg(ledger)
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .spawn()?;
            self.child = Some(child);
        }
        let begun = Instant::now();
        while self.tell("/slow/0").await.is_err() {
            ensure!(begun.elapsed() < START, "an endpoint does not come back");
            sleep(Duration::from_millis(20)).await;
        }
        self.is_well = true;
        Ok(())
    }

    async fn signal(&self, signal: &str) -> Result<()> {
        let pid = self
            .child
            .as_ref()
            .and_then(Child::id)
            .context("it does not run")?;
        let told = Command::new("kill")
            .args(["-s", signal, &pid.to_string()])
            .status()
            .await?;
        ensure!(told.success(), "kill: {told}");
        Ok(())
    }

    async fn tell(&self, path: &str) -> Result<()> {
        let telling = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let request = format!("POST {path} HTTP/1.1\r\nHost: endpoint\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            answer::read(&mut stream, &mut Vec::new()).await?;
            Ok(())
        };
        timeout(Duration::from_secs(5), telling).await?
    }
}
