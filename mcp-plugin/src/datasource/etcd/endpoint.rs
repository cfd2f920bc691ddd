//! One member of the cluster and the connection to it.

use super::{settings::EtcdSettings, trouble::Trouble};
use etcd_client::{Client, ConnectOptions};
use mcp_common::secret::{ExposeSecret, Secret};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);

pub(super) struct Endpoint {
    pub(super) url: String,
    login: Option<(String, Secret)>,
    options: ConnectOptions,
    client: Mutex<Option<Client>>,
}

impl Endpoint {
    pub(super) fn new(url: &str, settings: &EtcdSettings) -> Self {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(CONNECT)
            // Without pings a watch on a connection that died silently would wait for ever.
            .with_keep_alive(settings.keepalive, settings.keepalive.min(Duration::from_secs(5)))
            .with_keep_alive_while_idle(true)
            // A member that lost its cluster must say so instead of having no news.
            .with_require_leader(true);
        if url.starts_with("https://")
            && let Some(tls) = &settings.tls
        {
            options = options.with_tls(tls.options());
        }
        Self {
            url: url.to_owned(),
            login: settings.login.clone(),
            options,
            client: Mutex::new(None),
        }
    }

    /// Whether the options fit together; nothing is sent.
    pub(super) async fn check(&self) -> Result<(), etcd_client::Error> {
        Client::connect([&self.url], Some(self.options.clone()))
            .await
            .map(|_| ())
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
        let anonymous = || Client::connect([&self.url], Some(self.options.clone()));
        let Some((name, password)) = &self.login else {
            return Ok(anonymous().await?);
        };
        let options = self.options.clone().with_user(name, password.expose_secret());
        match Client::connect([&self.url], Some(options)).await {
            // As etcd's own client does: a login is no harm where none is asked for.
            Err(error) if error.to_string().contains("authentication is not enabled") => {
                Ok(anonymous().await?)
            }
            client => Ok(client?),
        }
    }
}
