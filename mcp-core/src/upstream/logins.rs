//! Logins to upstreams: somebody begins one, opens an address, and comes back from there with what the gateway gets its tokens with.

use super::{accounts::GivenBack, authorization::Authorization, error::UpstreamError, hub::Hub};
use crate::oauth::{Account, Answered, Binding, LoggedIn, LoginState, OAuthError, Registrant};
use std::sync::Arc;
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;

impl Hub {
    /// Begins a login: the address that somebody has to open. `None` if there is no such upstream.
    pub async fn begin_login(
        &self,
        id: &str,
        registrant: Registrant,
    ) -> Option<Result<String, UpstreamError>> {
        let authorization = match self.authorization(id)? {
            Ok(authorization) => authorization,
            Err(error) => return Some(Err(error)),
        };
        if !authorization.takes_logins() {
            let text = "nobody logs in to it: it gets its tokens by itself (`oauth2_client_credentials`)";
            return Some(Err(UpstreamError::Refused(text.to_owned())));
        }
        let accounts = self.settings().accounts.clone();
        let beginning = async move { authorization.begin_login(&accounts, None, &registrant).await };
        Some(self.here(beginning).await)
    }

    /// The upstream of the login with this `state`, where one is waited for.
    pub fn upstream_of_login(&self, state: &str) -> Option<Arc<str>> {
        self.settings().accounts.upstream_of_login(state)
    }

    /// Ends a login with what came back to this browser, and connects anew where it was the gateway's. It goes on when nobody waits for it any more: what came back is
    /// good only once.
    pub async fn finish_login(
        &self,
        state: &str,
        (issuer, browser): (Option<&str>, Option<&str>),
        answered: Answered,
    ) -> Result<LoggedIn, UpstreamError> {
        let accounts = self.settings().accounts.clone();
        let state = state.to_owned();
        let (issuer, browser) = (issuer.map(str::to_owned), browser.map(str::to_owned));
        let begin_anew = self.beginner();
        let finishing = async move {
            let finished = accounts
                .finish_login(&state, issuer.as_deref(), browser.as_deref(), answered)
                .await?;
            if finished.caller.is_none() {
                begin_anew(&finished.upstream);
            }
            Ok::<_, OAuthError>(finished)
        };
        Ok(self.runtime().spawn(finishing).await.map_err(broken)??)
    }

    /// Forgets a login, tells the authorization server so where it wants to be told, and connects anew. `None` if there is no such upstream.
    pub async fn forget_login(&self, id: &str) -> Option<Result<GivenBack, UpstreamError>> {
        let authorization = match self.authorization(id)? {
            Ok(authorization) => authorization,
            Err(error) => return Some(Err(error)),
        };
        let forgetting = async move { Ok(authorization.forget().await) };
        let told = self.here(forgetting).await.map(GivenBack::from);
        self.begin_anew(id);
        Some(told)
    }

    /// How a login is doing; `None` where an upstream gets no tokens, or is not there.
    pub fn login_state(&self, id: &str) -> Option<LoginState> {
        Some(self.account(id)??.login_state())
    }

    /// Of its first server; `Some(None)` where it wants no tokens.
    fn account(&self, id: &str) -> Option<Option<Arc<Account>>> {
        let definition = self.offer(id)?.definition;
        let url = definition
            .replicas()
            .next()
            .map(|replica| over_http(&replica.url));
        let binding = Binding::of(&definition);
        let account = |(url, binding): (String, Binding)| {
            self.settings().accounts.account(&definition.id, &url, &binding)
        };
        Some(url.zip(binding).map(account))
    }

    pub(super) fn authorization(&self, id: &str) -> Option<Result<Authorization, UpstreamError>> {
        let definition = self.offer(id)?.definition;
        let url = definition.replicas().next()?.url.clone();
        Some(
            match Authorization::of(&over_http(&url), &definition, &self.settings()) {
                Ok(Some(authorization)) => Ok(authorization),
                Ok(None) => Err(UpstreamError::Refused(
                    "nobody logs in to it: its document has no `auth.type: oauth2_authorization_code`"
                        .to_owned(),
                )),
                Err(error) => Err(error),
            },
        )
    }

    /// On this runtime, to which connections belong, whichever thread asks.
    pub(super) async fn here<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, OAuthError>> + Send + 'static,
    ) -> Result<T, UpstreamError> {
        let working = AbortOnDropHandle::new(self.runtime().spawn(work));
        Ok(working.await.map_err(broken)??)
    }
}

fn broken(_: JoinError) -> OAuthError {
    OAuthError::Away("the login ended in an internal error".to_owned())
}

/// `ws` is `http` until the connection is open.
pub(super) fn over_http(url: &str) -> String {
    match url.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => url.to_owned(),
    }
}
