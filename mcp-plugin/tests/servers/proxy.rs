//! A TCP proxy that does what networks do: breaks connections, falls silent, is slow.

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    /// Connections of an earlier storm are broken.
    storm: u32,
    /// Connections of an earlier loss stay silent for ever.
    loss: u32,
    /// Nothing comes through, and nobody is told.
    silent: bool,
    /// So it is after so many more answers of the server, if that is set.
    answers: Option<u32>,
    /// Nobody gets a connection.
    closed: bool,
    /// For every piece of up to 16 KiB.
    delay: Duration,
}

pub(crate) struct Proxy {
    port: u16,
    weather: watch::Sender<Weather>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let weather = watch::Sender::new(Weather::default());
        let conditions = weather.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let now = *conditions.borrow();
                if now.closed {
                    continue;
                }
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                    let _ = (client.set_nodelay(true), server.set_nodelay(true));
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    let (there, back) = (conditions.clone(), conditions.clone());
                    tokio::spawn(carry(from_client, to_server, there, now, |_| {}));
                    tokio::spawn(carry(from_server, to_client, back, now, count_down));
                }
            }
        });
        Self {
            port: own,
            weather,
            accepting,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Breaks all connections.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| weather.storm += 1);
    }

    /// Holds everything back, from connections that there are and from new ones.
    pub(crate) fn silence(&self, silent: bool) {
        self.weather.send_modify(|weather| weather.silent = silent);
    }

    /// Holds everything back after so many more pieces from the server.
    pub(crate) fn silence_after(&self, answers: u32) {
        self.weather
            .send_modify(|weather| weather.answers = Some(answers));
    }

    /// Returns when it is so.
    pub(crate) async fn until_silent(&self) {
        let mut weather = self.weather.subscribe();
        let _ = weather.wait_for(|weather| weather.silent).await;
    }

    /// Nothing comes through on the connections that there are, ever, and nobody is told; new ones work: what a
    /// firewall does that has forgotten them.
    pub(crate) fn forget(&self) {
        self.weather.send_modify(|weather| {
            weather.loss += 1;
            weather.silent = false;
            weather.answers = None;
        });
    }

    /// Breaks all connections and lets no new ones be made.
    pub(crate) fn close(&self, closed: bool) {
        self.weather.send_modify(|weather| {
            weather.closed = closed;
            weather.storm += 1;
        });
    }

    pub(crate) fn slow_down(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

/// The answer that is one too many is the first that does not come through.
fn count_down(weather: &mut Weather) {
    weather.answers = weather.answers.map(|left| left.saturating_sub(1));
    weather.silent |= weather.answers == Some(0);
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    weather: watch::Sender<Weather>,
    begun: Weather,
    carried: fn(&mut Weather),
) {
    let (mut changes, mut conditions) = (weather.subscribe(), weather.subscribe());
    let pass_on = async {
        let mut piece = vec![0; 16 << 10];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            weather.send_modify(carried);
            let now = conditions
                .wait_for(|now| !now.silent && now.loss == begun.loss)
                .await
                .map(|now| *now);
            let Ok(now) = now else { return };
            tokio::time::sleep(now.delay).await;
            if to.write_all(&piece[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = pass_on => {}
        _ = changes.wait_for(|weather| weather.storm != begun.storm) => {}
    }
}
