//! One member of the cluster and the connection to it.

use super::{client::Client, settings::EtcdSettings, trouble::Trouble};
use mcp_common::secret::{ExposeSecret, Secret};
use std::time::Duration;
use tokio::sync::Mutex;
use tonic::transport;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);

pub(super) struct Endpoint {
    pub(super) url: String,
    login: Option<(String, Secret)>,
    transport: transport::Endpoint,
    client: Mutex<Option<Client>>,
}

impl Endpoint {
    /// Prepares the connection; nothing is sent.
    pub(super) fn new(url: &str, settings: &EtcdSettings) -> Result<Self, transport::Error> {
        let mut transport = transport::Endpoint::from_shared(url.to_owned())?
            .connect_timeout(CONNECT)
            // Without pings a watch on a connection that died silently would wait for ever.
            .http2_keep_alive_interval(settings.keepalive)
            .keep_alive_timeout(settings.keepalive.min(Duration::from_secs(5)))
            .keep_alive_while_idle(true);
        if url.starts_with("https://")
            && let Some(tls) = &settings.tls
        {
            transport = transport.tls_config(tls.options())?;
        }
        Ok(Self {
            url: url.to_owned(),
            login: settings.login.clone(),
            transport,
            client: Mutex::new(None),
        })
    }

    /// Asks the member; logs in once more where the login is stale.
    pub(super) async fn ask<T, Answer>(&self, question: &impl Fn(Client) -> Answer) -> Result<T, Trouble>
    where
        Answer: Future<Output = Result<T, Trouble>>,
    {
        match question(self.client().await?).await {
            Err(Trouble::StaleLogin(_)) => {
                self.forget().await;
                question(self.client().await?).await
            }
            answer => answer,
        }
    }

    /// The next question makes a new connection.
    pub(super) async fn forget(&self) {
        *self.client.lock().await = None;
    }

    async fn client(&self) -> Result<Client, Trouble> {
        let mut known = self.client.lock().await;
        if let Some(client) = &*known {
            return Ok(client.clone());
        }
        let client = self.log_in().await?;
        Ok(known.insert(client).clone())
    }

    async fn log_in(&self) -> Result<Client, Trouble> {
        let mut client = Client::new(self.transport.connect_lazy());
        if let Some((name, password)) = &self.login {
            match client.log_in(name, password.expose_secret()).await {
                // As etcd's own client does: a login is no harm where none is asked for.
                Err(status) if status.message().contains("authentication is not enabled") => {}
                answer => answer?,
            }
        }
        Ok(client)
    }
}
