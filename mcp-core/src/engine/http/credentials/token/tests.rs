use super::*;
use crate::{
    engine::{EngineServices, EngineSettings},
    secrets::SecretSettings,
};
use tokio::{io::AsyncReadExt, net::TcpListener, sync::mpsc};

/// Where tokens come from that never come; says when it is asked.
async fn silent() -> (TokenSource, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let (asked, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            asked.send(()).unwrap();
            open.push(stream);
        }
    });
    let binding =
        serde_json::json!({"token_url": url, "client_id": "i", "client_secret": "${env:CARGO_PKG_NAME}"});
    let source = TokenSource {
        url: url.parse().unwrap(),
        binding: serde_json::from_value(binding).unwrap(),
        transport: None,
    };
    (source, receiver)
}

#[tokio::test]
async fn nobody_waits_for_a_renewal_and_a_failed_one_is_not_begun_again_at_once() {
    let (source, mut asked) = silent().await;
    let tokens = Tokens::within(Duration::from_millis(100));
    let upstream = Upstream::new(&EngineSettings::default(), &EngineServices::default());
    let slot = tokens.slot(&source);
    let now = Instant::now();
    let old = HeaderValue::from_static("Bearer old");
    let near_its_end = Token {
        header: old.clone(),
        renew: now,
        expires: now + Duration::from_secs(3600),
    };
    slot.keep(Ok(near_its_end)).unwrap();
    let secrets = Secrets::new(SecretSettings {
        allow_env: vec!["CARGO_PKG_NAME".into()],
        file_dirs: Vec::new(),
    });
    let call = async || tokens.token(&source, &secrets, &upstream).await.unwrap().header;
    assert_eq!(call().await, old);
    assert_eq!(call().await, old, "while it is asked for");
    asked.recv().await.unwrap();
    drop(slot.asking.lock().await);
    let failed = slot.state.lock().unwrap().failed.clone();
    let (_, failure) = failed.expect("the renewal was given up");
    assert_eq!(failure.outcome, Outcome::Timeout);
    // Whether it is still so young is for the clock to say, not for this test.
    slot.state.lock().unwrap().failed = Some((Instant::now() + PAUSE, failure));
    assert_eq!(call().await, old);
    assert!(slot.asking.try_lock().is_ok(), "nobody asks again");
    slot.state.lock().unwrap().failed = None;
    assert_eq!(call().await, old);
    assert!(slot.asking.try_lock().is_err(), "somebody asks again");
}
