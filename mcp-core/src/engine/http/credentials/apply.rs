//! Puts the credential into a request.

use super::{Tokens, token::UsedToken};
use crate::{
    encode,
    engine::{CallContext, failure::Failure, http::client::Upstream, result::Outcome},
    secrets::Secrets,
    tool::{Auth, Place},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri, header, uri::PathAndQuery};
use http_body_util::Full;
use mcp_common::secret::ExposeSecret;

/// What was put into the request.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// A token that a 401 makes worthless.
    pub(crate) token: Option<UsedToken>,
}

pub(crate) async fn apply(
    auth: &Auth,
    request: &mut Request<Full<Bytes>>,
    context: &CallContext<'_>,
    (secrets, tokens, upstream): (&Secrets, &Tokens, &Upstream),
) -> Result<Applied, Failure> {
    match auth {
        Auth::Key {
            place,
            prefix,
            secret,
        } => {
            let secret = secrets.find(secret).map_err(missing)?;
            let value = format!("{prefix}{}", secret.expose_secret());
            put(request, place, &value)?;
        }
        Auth::Basic { username, password } => {
            let username = secrets.find_text(username).map_err(missing)?;
            let password = secrets.find(password).map_err(missing)?;
            let pair = format!("{}:{}", username.expose_secret(), password.expose_secret());
            let value = format!("Basic {}", STANDARD.encode(pair));
            set(request, &header::AUTHORIZATION, &value)?;
        }
        Auth::ClientCredentials(source) => {
            let token = tokens.token(source, secrets, upstream).await?;
            let value = token.header.clone();
            request.headers_mut().insert(header::AUTHORIZATION, value);
            return Ok(Applied { token: Some(token) });
        }
        Auth::Passthrough { from, to } => {
            let value = context.headers.and_then(|headers| headers.get(from));
            let mut value = value.cloned().ok_or_else(|| {
                let text = format!(
                    "The client has to send the header `{from}`, which this tool passes on; nothing was sent."
                );
                Failure::new(Outcome::Refused, text)
            })?;
            value.set_sensitive(true);
            request.headers_mut().insert(to.clone(), value);
        }
        // When everything else of the request is as it is sent.
        Auth::Signed(_) => {}
    }
    Ok(Applied::default())
}

/// The call is not made without its credential.
pub(super) fn missing(reason: String) -> Failure {
    let text = format!("The credential of this tool is missing: {reason}; nothing was sent.");
    Failure::new(Outcome::Refused, text)
}

fn put(request: &mut Request<Full<Bytes>>, place: &Place, value: &str) -> Result<(), Failure> {
    match place {
        Place::Header(name) => set(request, name, value),
        Place::Cookie(name) => {
            let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
            if !value.bytes().all(allowed) {
                return Err(missing("it has characters that cannot stand in a cookie".into()));
            }
            let others = request
                .headers()
                .get(header::COOKIE)
                .and_then(|value| value.to_str().ok());
            let cookie = match others {
                Some(others) => format!("{others}; {name}={value}"),
                None => format!("{name}={value}"),
            };
            set(request, &header::COOKIE, &cookie)
        }
        Place::Query(name) => {
            let before = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
            let mut target = before.as_bytes().to_vec();
            target.push(if before.contains('?') { b'&' } else { b'?' });
            encode::pair(&mut target, name, value);
            let unfit = || missing("it makes the URL too long".into());
            let target = PathAndQuery::from_maybe_shared(Bytes::from(target)).map_err(|_| unfit())?;
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(target);
            *request.uri_mut() = Uri::from_parts(parts).map_err(|_| unfit())?;
            Ok(())
        }
    }
}

fn set(request: &mut Request<Full<Bytes>>, name: &HeaderName, value: &str) -> Result<(), Failure> {
    request.headers_mut().insert(name.clone(), sensitive(value)?);
    Ok(())
}

/// A value that is shown nowhere.
pub(crate) fn sensitive(value: &str) -> Result<HeaderValue, Failure> {
    encode::sensitive(value).map_err(|reason| missing(format!("it {reason}")))
}
