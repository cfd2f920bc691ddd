//! An HTTP service that tools are called at (an upstream with `protocol: http`), compiled: what stands once for all of them.

use super::{Origin, auth::Auth, header_name, transport::Connecting};
use crate::{
    fleet::{Fleet, Fleets},
    secrets::Secrets,
    tool::Transport,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use mcp_common::{
    definition::{
        UpstreamDefinition,
        tool::{MaybeSecret, SecretReference},
    },
    problem::{Problem, Problems},
};
use std::sync::Arc;

/// An HTTP service.
#[derive(Debug)]
pub(crate) struct Base {
    pub(super) definition: Arc<UpstreamDefinition>,
    pub(crate) fleet: Fleet,
    /// Where each endpoint of the fleet is.
    origins: Box<[Origin]>,
    /// Where each of them is probed: thousands of endpoints are asked again and again.
    probed: Box<[Probed]>,
    headers: Box<[(HeaderName, Header)]>,
    pub(crate) auth: Option<Auth>,
    /// `None`: the connections of everybody.
    pub(crate) transport: Option<Arc<Transport>>,
}

#[derive(Debug)]
enum Header {
    Plain(HeaderValue),
    Secret(SecretReference),
}

/// What a probe of an endpoint asks for.
#[derive(Clone, Debug)]
pub(crate) struct Probed {
    pub(crate) uri: Uri,
    pub(crate) host: Option<HeaderValue>,
}

/// What of a service is compiled, without what lives.
struct Parts {
    origins: Box<[Origin]>,
    probed: Box<[Probed]>,
    headers: Box<[(HeaderName, Header)]>,
    auth: Option<Auth>,
    transport: Option<Arc<Transport>>,
}

impl Base {
    /// Of a document that was read.
    pub(super) fn compile(definition: &Arc<UpstreamDefinition>, fleets: &Fleets) -> Result<Self, Problems> {
        let parts = Parts::compile(definition)?;
        Ok(Self {
            fleet: fleets.fleet(definition),
            definition: definition.clone(),
            origins: parts.origins,
            probed: parts.probed,
            headers: parts.headers,
            auth: parts.auth,
            transport: parts.transport,
        })
    }

    /// Everything that is wrong with a document beyond what its members say.
    pub(crate) fn check(definition: &UpstreamDefinition) -> Result<(), Problems> {
        Parts::compile(definition).map(|_| ())
    }

    pub(crate) fn id(&self) -> &str {
        &self.definition.id
    }

    /// The address of one endpoint.
    pub(crate) fn origin(&self, place: usize) -> Option<&Origin> {
        self.origins.get(place)
    }

    /// What a probe of an endpoint asks for.
    pub(crate) fn probed(&self, place: usize) -> Option<&Probed> {
        self.probed.get(place)
    }

    /// Adds the headers of the service to those that the tool has itself.
    pub(crate) fn dress(&self, headers: &mut HeaderMap, secrets: &Secrets) -> Result<(), String> {
        for (name, value) in &self.headers {
            if headers.contains_key(name) {
                continue;
            }
            let value = match value {
                Header::Plain(value) => value.clone(),
                Header::Secret(reference) => {
                    secret(reference, secrets).map_err(|reason| format!("headers.{name}: {reason}"))?
                }
            };
            headers.insert(name.clone(), value);
        }
        Ok(())
    }

    /// Adds those headers that are no secrets.
    pub(crate) fn dress_plainly(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            if let Header::Plain(value) = value {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        }
    }

    /// Whether it adds this header, and the document has its value in plain text.
    pub(crate) fn has_plain_header(&self, name: &HeaderName) -> bool {
        let mut headers = self.headers.iter();
        headers.any(|(own, value)| own == name && matches!(value, Header::Plain(_)))
    }

    /// Headers whose values are secrets.
    pub(crate) fn secret_headers(&self) -> impl Iterator<Item = (&HeaderName, &SecretReference)> {
        self.headers.iter().filter_map(|(name, value)| match value {
            Header::Secret(reference) => Some((name, reference)),
            Header::Plain(_) => None,
        })
    }
}

impl Origin {
    /// What a probe asks for: this path at the root, or the prefix where there is none.
    fn probed(&self, path: Option<&str>) -> Result<Probed, http::Error> {
        let mut request = Request::new(());
        match path {
            None => self.address(&mut request)?,
            Some(path) => {
                *request.uri_mut() = Uri::try_from(path)?;
                let root = Self {
                    prefix: String::new(),
                    ..self.clone()
                };
                root.address(&mut request)?;
            }
        }
        Ok(Probed {
            uri: request.uri().clone(),
            host: self.host.clone(),
        })
    }

    /// The request, sent there: its path behind this one's prefix.
    pub(crate) fn address<B>(&self, request: &mut Request<B>) -> Result<(), http::Error> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone());
        *request.uri_mut() = match self.prefix.as_str() {
            "" => uri.path_and_query(path).build()?,
            prefix => uri.path_and_query(format!("{prefix}{path}")).build()?,
        };
        match &self.host {
            Some(host) => request.headers_mut().insert(header::HOST, host.clone()),
            None => request.headers_mut().remove(header::HOST),
        };
        Ok(())
    }
}

impl Parts {
    fn compile(definition: &UpstreamDefinition) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let places: Vec<usize> = match definition.is_fleet() {
            true => {
                let all = definition.endpoints.iter().enumerate();
                all.filter(|(_, endpoint)| endpoint.enabled)
                    .map(|(place, _)| place)
                    .collect()
            }
            false => vec![0],
        };
        let member = |place: usize| match definition.is_fleet() {
            true => format!("endpoints[{place}].url"),
            false => "url".to_owned(),
        };
        let mut origins = Vec::new();
        for (replica, place) in definition.replicas().zip(&places) {
            match Origin::from_base_url(&replica.url) {
                Ok(origin) => origins.push(origin),
                Err(reason) => {
                    problems.push(Problem::at(member(*place), format!("`{}` {reason}", replica.url)))
                }
            }
        }
        let path = definition.health.path.as_deref();
        let mut probed = Vec::new();
        for origin in &origins {
            match origin.probed(path) {
                Ok(one) => probed.push(one),
                Err(error) => {
                    problems.push(Problem::at("health.path", error.to_string()));
                    break;
                }
            }
        }
        let members: Vec<_> = origins.iter().zip(places.into_iter().map(member)).collect();
        let connecting = Connecting {
            origins: &members,
            connect_timeout: definition
                .has_own_connect_timeout()
                .then(|| definition.timeouts.connect()),
            tls: definition.tls.as_ref(),
            proxy: definition.proxy.as_ref(),
            egress: definition.egress.as_ref(),
            at: "",
        };
        let transport = Transport::of(&connecting, &mut problems).map(Arc::new);
        let auth = definition
            .auth
            .as_ref()
            .and_then(|auth| Auth::of_upstream(auth, transport.as_ref(), &mut problems));
        let headers = headers(definition, &mut problems);
        match problems.is_empty() {
            true => Ok(Self {
                origins: origins.into(),
                probed: probed.into(),
                headers,
                auth,
                transport,
            }),
            false => Err(Problems(problems)),
        }
    }
}

fn headers(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) -> Box<[(HeaderName, Header)]> {
    let mut headers = Vec::new();
    for (name, value) in &definition.headers {
        let read = header_name::read(name).map_err(str::to_owned).and_then(|name| {
            let value = match value {
                MaybeSecret::Plain(text) => Header::Plain(crate::encode::header_value(text.as_bytes())?),
                MaybeSecret::Reference(reference) => Header::Secret(reference.clone()),
            };
            Ok((name, value))
        });
        match read {
            Ok(header) => headers.push(header),
            Err(reason) => problems.push(Problem::at(format!("headers.{name}"), reason)),
        }
    }
    headers.into()
}

fn secret(reference: &SecretReference, secrets: &Secrets) -> Result<HeaderValue, String> {
    use mcp_common::secret::ExposeSecret;
    let secret = secrets.find(reference)?;
    crate::encode::sensitive(secret.expose_secret())
}
