//! An authority for certificates, and connections over TLS.

use crate::test_app::{MODERN, TestApp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber,
};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use std::{
    fs, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const PATIENCE: Duration = Duration::from_secs(10);

pub type Connection = BufReader<TlsStream<TcpStream>>;

/// Signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    issued: AtomicU64,
}

/// A certificate and its key, PEM.
pub struct Holder {
    serial: u64,
    certificate: String,
    key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of tests");
        Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
            issued: AtomicU64::new(1 << 40),
        }
    }

    /// Names of hosts, or `uri:…`.
    pub fn issue(&self, common_name: &str, names: &[&str]) -> Holder {
        self.issue_as(Self::params(common_name, names))
    }

    /// One whose time is over.
    pub fn issue_ended(&self, common_name: &str, names: &[&str]) -> Holder {
        let mut params = Self::params(common_name, names);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        self.issue_as(params)
    }

    fn params(common_name: &str, names: &[&str]) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let name = |name: &&str| match name.strip_prefix("uri:") {
            Some(uri) => SanType::URI(uri.try_into().unwrap()),
            None => SanType::DnsName((*name).try_into().unwrap()),
        };
        params.subject_alt_names = names.iter().map(name).collect();
        params
    }

    fn issue_as(&self, mut params: CertificateParams) -> Holder {
        let key = KeyPair::generate().unwrap();
        let serial = self.issued.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(serial.into());
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Holder {
            serial,
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// The list of what it has taken back, good for long. PEM.
    pub fn takes_back(&self, revoked: &[&Holder]) -> String {
        self.list(revoked, 2050)
    }

    /// One that should have been followed by another long ago.
    pub fn took_back(&self, revoked: &[&Holder]) -> String {
        self.list(revoked, 2021)
    }

    fn list(&self, revoked: &[&Holder], next: i32) -> String {
        let then = rcgen::date_time_ymd(2020, 1, 1);
        let revoked = revoked.iter().map(|holder| RevokedCertParams {
            serial_number: holder.serial.into(),
            revocation_time: then,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: then,
            next_update: rcgen::date_time_ymd(next, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// `NAME.pem`
    pub fn write(&self, folder: &TempDir, name: &str) {
        fs::write(folder.path().join(format!("{name}.pem")), self.issuer.pem()).unwrap();
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        roots
    }
}

impl Holder {
    /// `NAME.pem` and `NAME.key`
    pub fn write(&self, folder: &TempDir, name: &str) {
        self.write_certificate(folder, name);
        fs::write(folder.path().join(format!("{name}.key")), &self.key).unwrap();
    }

    pub fn write_certificate(&self, folder: &TempDir, name: &str) {
        fs::write(folder.path().join(format!("{name}.pem")), &self.certificate).unwrap();
    }
}

/// A connection to the gateway. Of TLS 1.3 a client hears at the first answer that its certificate is not taken.
pub async fn connect(
    app: &TestApp,
    believed: &Authority,
    own: Option<&Holder>,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<Connection> {
    connect_to(app.address(), believed, own, versions).await
}

pub async fn connect_to(
    address: SocketAddr,
    believed: &Authority,
    own: Option<&Holder>,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<Connection> {
    connect_as(address, &client(believed, own, versions)).await
}

/// Somebody who may connect several times and take up sessions again.
pub fn client(
    believed: &Authority,
    own: Option<&Holder>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(believed.roots());
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    Arc::new(config)
}

pub async fn connect_as(address: SocketAddr, client: &Arc<ClientConfig>) -> io::Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let opened = TlsConnector::from(client.clone()).connect(name, stream);
    let opened = timeout(PATIENCE, opened).await.expect("the handshake hangs")?;
    Ok(BufReader::new(opened))
}

/// The status of a GET, with the body.
pub async fn get(stream: &mut Connection, path: &str) -> (u16, String) {
    get_with(stream, path, "").await
}

/// The same with more headers, each a line.
pub async fn get_with(stream: &mut Connection, path: &str, headers: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    send(stream, &request).await
}

/// `tools/list` of an instance.
pub async fn list(stream: &mut Connection, instance: &str, key: Option<&str>) -> (u16, String) {
    let key = key.map(|key| format!("x-api-key: {key}\r\n")).unwrap_or_default();
    list_with(stream, instance, &key).await
}

/// The same with more headers, each a line.
pub async fn list_with(stream: &mut Connection, instance: &str, headers: &str) -> (u16, String) {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }}})
    .to_string();
    let head = format!(
        "POST /mcp/{instance} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/list\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    send(stream, &head).await
}

/// The names in an answer to that.
pub fn names_of(body: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{body}"));
    let tools = answer["result"]["tools"]
        .as_array()
        .unwrap_or_else(|| panic!("{body}"));
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn send(stream: &mut Connection, request: &str) -> (u16, String) {
    try_send(stream, request).await.unwrap()
}

/// An error where the connection ends instead.
pub async fn try_get(stream: &mut Connection, path: &str) -> io::Result<(u16, String)> {
    try_send(stream, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
}

/// The head of an answer to a GET, in lower case.
pub async fn head_of(stream: &mut Connection, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    exchange(stream, &request).await.unwrap().1
}

async fn try_send(stream: &mut Connection, request: &str) -> io::Result<(u16, String)> {
    let (status, _, body) = exchange(stream, request).await?;
    Ok((status, body))
}

/// Status, head and body.
async fn exchange(stream: &mut Connection, request: &str) -> io::Result<(u16, String, String)> {
    let answered = async {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let (mut length, mut head) = (0, String::new());
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            if line.trim().is_empty() {
                break;
            }
            let line = line.to_ascii_lowercase();
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            head += &line;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        Ok((
            status.unwrap_or_else(|| panic!("{line}")),
            head,
            String::from_utf8(body).unwrap(),
        ))
    };
    timeout(PATIENCE, answered).await.expect("no answer")
}
