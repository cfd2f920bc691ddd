//! TLS upstreams, over HTTP/1.1 and HTTP/2.

use crate::calling::{call_text, engine, text, tool};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use mcp_core::engine::{Engine, EngineSettings, Outcome, TrustRoots};
use serde_json::json;
use std::{convert::Infallible, sync::Arc};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};

/// Answers with the HTTP version and the `host` it was asked for; its certificate names `localhost`.
async fn start(protocols: &[&[u8]]) -> (String, Vec<u8>) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = certified.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(|request: Request<Incoming>| async move {
                    let host = request
                        .headers()
                        .get("host")
                        .map(|host| host.to_str().unwrap().to_owned());
                    let host = host
                        .or_else(|| request.uri().authority().map(ToString::to_string))
                        .unwrap();
                    let answer = format!("{:?} {host} {}", request.version(), request.uri().path());
                    let response = Response::builder().header("content-type", "text/plain");
                    Ok::<_, Infallible>(response.body(Full::new(Bytes::from(answer))).unwrap())
                });
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (origin, certificate.to_vec())
}

#[tokio::test]
async fn trusted_upstreams_are_called_over_the_version_they_speak() {
    let table: [(&[&[u8]], &str); 3] = [
        (&[b"h2", b"http/1.1"], "HTTP/2.0"),
        (&[b"http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ];
    for (protocols, version) in table {
        let (origin, certificate) = start(protocols).await;
        let settings = EngineSettings {
            trust: TrustRoots::only([certificate]),
            ..EngineSettings::default()
        };
        let engine = Engine::new(settings);
        let tool = tool(&origin, "GET", "/a/{id}", &json!({}));
        for _ in 0..2 {
            let result = call_text(&engine, &tool, r#"{"id":"x/y"}"#).await;
            let host = origin.strip_prefix("https://").unwrap();
            assert_eq!(text(&result), format!("{version} {host} /a/x%2Fy"));
        }
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_a_tls_failure() {
    let (origin, _) = start(&[b"h2"]).await;
    let result = call_text(&engine(), &tool(&origin, "GET", "/", &json!({})), "{}").await;
    assert_eq!(result.outcome, Outcome::Tls, "{}", text(&result));
    assert!(text(&result).contains("certificate"), "{}", text(&result));
}
