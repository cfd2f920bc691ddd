//! TLS servers that tools are called against, and those who vouch for them.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer, server::WebPkiClientVerifier,
    },
};

pub(crate) const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];

/// Signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Certificate and key in PEM form, for a client of this name (of eight letters) or a server.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let (certificate, key) = self.signed(name);
        (certificate.pem(), key.serialize_pem())
    }

    fn signed(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// For a server of this name; with `clients`, it asks for certificates that they signed.
    pub(crate) fn server_config(
        &self,
        name: &str,
        protocols: &[&[u8]],
        clients: Option<&Self>,
    ) -> ServerConfig {
        let (certificate, key) = self.signed(name);
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config
    }
}

/// Answers with the HTTP version, the `host` it was asked for, the path, and who asked.
pub(crate) struct TlsServer {
    /// `https://localhost:…`
    pub(crate) origin: String,
    connections: Arc<AtomicUsize>,
}

impl TlsServer {
    pub(crate) async fn start(config: ServerConfig) -> Self {
        Self::answering(config, |request, client| {
            let host = request.headers().get("host");
            let host = host.map(|host| host.to_str().unwrap().to_owned());
            let host = host
                .or_else(|| request.uri().authority().map(ToString::to_string))
                .unwrap();
            let answer = format!("{:?} {host} {}{client}", request.version(), request.uri().path());
            let response = Response::builder().header("content-type", "text/plain");
            response.body(Full::new(Bytes::from(answer))).unwrap()
        })
        .await
    }

    /// The function is told who asks: a blank and the name, or nothing.
    pub(crate) async fn answering<F>(config: ServerConfig, answer: F) -> Self
    where
        F: Fn(&Request<Incoming>, &str) -> Response<Full<Bytes>> + Send + Sync + 'static,
    {
        let (answer, acceptor) = (Arc::new(answer), TlsAcceptor::from(Arc::new(config)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let client = stream.get_ref().1.peer_certificates();
                    let client = client.map_or(String::new(), |chain| format!(" {}", common_name(&chain[0])));
                    let service = service_fn(move |request: Request<Incoming>| {
                        let response = answer(&request, &client);
                        async { Ok::<_, Infallible>(response) }
                    });
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { origin, connections }
    }

    pub(crate) fn host(&self) -> &str {
        self.origin.strip_prefix("https://").unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// The certificates of these tests have names that begin with `client-`.
fn common_name(certificate: &[u8]) -> String {
    let start = certificate
        .windows(7)
        .position(|window| window == b"client-")
        .unwrap();
    String::from_utf8_lossy(&certificate[start..start + 8]).into_owned()
}
