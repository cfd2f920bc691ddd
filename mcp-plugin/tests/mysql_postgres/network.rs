//! A network that loses everything and tells nobody.

use super::{
    store::{Store, on_both, put, try_put},
    tls::Secure,
};
use crate::servers::proxy::Proxy;
use futures_util::StreamExt;
use mcp_common::{
    datasource::{Changes, DataSource, Expected, SourceError, Write},
    key::Key,
    migration::Migrate,
    secret::ExposeSecret,
};
use mcp_plugin::datasource::mysql::Server;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

on_both! {
    silence_is_noticed_and_costs_no_change
    silence_over_tls_is_noticed_and_costs_no_change
    a_loss_that_nobody_noticed_refuses_nothing
    a_loss_over_tls_that_nobody_noticed_refuses_nothing
    silence_at_any_point_ends_in_time_and_leaves_nothing_half_done
    silence_over_tls_at_any_point_ends_in_time_and_leaves_nothing_half_done
}

const TIMEOUT: Duration = Duration::from_secs(3);

/// Twice the timeout for a write, and a slow machine.
const BOUND: Duration = Duration::from_secs(60);

/// The same database by way of a proxy.
async fn by_proxy(direct: Server) -> (Proxy, Server) {
    let url = direct.url.expose_secret();
    let (_, address) = url.split_once('@').unwrap();
    let port = address.split([':', '/']).nth(1).unwrap();
    let proxy = Proxy::to(port.parse().unwrap()).await;
    let url = url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port()));
    let settings = Server {
        url: url.as_str().into(),
        timeout: TIMEOUT,
        // One that is not given back is missed at once.
        pool: 1,
        ..direct
    };
    (proxy, settings)
}

/// Ends with an error that passes, and in time.
async fn is_away<T: std::fmt::Debug>(what: &str, asked: impl Future<Output = Result<T, SourceError>>) {
    let answer = tokio::time::timeout(BOUND, asked).await;
    let answer = answer.unwrap_or_else(|_| panic!("{what} waits for ever"));
    assert!(
        matches!(answer, Err(SourceError::Unavailable(_) | SourceError::InDoubt(_))),
        "{what}: {answer:?}"
    );
}

async fn until_it_answers<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, SourceError>) -> T {
    let deadline = Instant::now() + BOUND;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(SourceError::Unavailable(reason)) => assert!(Instant::now() < deadline, "{what}: {reason}"),
            Err(error) => panic!("{what}: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn end_of(mut changes: Changes) -> Result<(), SourceError> {
    loop {
        changes.next().await.expect("ended without an error")?;
    }
}

async fn silence_is_noticed_and_costs_no_change<S: Store>() {
    let store = S::fresh().await;
    notices_silence(&store, store.settings()).await;
}

async fn silence_over_tls_is_noticed_and_costs_no_change<S: Store>() {
    let secure = Secure::<S>::start().await;
    notices_silence(&secure.store, secure.verified()).await;
}

async fn notices_silence<S: Store>(store: &S, direct: Server) {
    let (proxy, settings) = by_proxy(direct).await;
    let source = S::open_with(settings).await.unwrap();
    let before = put(&*source, &Key::tool("before"), "{}").await;
    let changes = source.watch(before).await.unwrap();
    proxy.silence(true);
    store
        .run("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('raw', 'TDS', '{}')")
        .await;
    let writes = async {
        // Each of them waits no longer than if it were alone.
        let keys: Vec<_> = (0..8).map(|number| Key::tool(format!("t{number}"))).collect();
        let began = Instant::now();
        let writes = keys
            .iter()
            .map(|key| is_away("a write", try_put(&*source, key, "{}")));
        futures_util::future::join_all(writes).await;
        began.elapsed()
    };
    let tool = Key::tool("before");
    let (elapsed, ..) = tokio::join!(
        writes,
        is_away("the watch", end_of(changes)),
        is_away("a load", source.load()),
        is_away("a history", source.history(&tool, 9)),
        is_away("a new watch", async { source.watch(before).await.map(|_| ()) }),
    );
    assert!(elapsed < BOUND, "{elapsed:?}");

    proxy.forget();
    let mut changes = until_it_answers("the watch", async || source.watch(before).await).await;
    let batch = changes.next().await.unwrap().unwrap();
    assert_eq!((batch.revision, batch.changes.len()), (before + 1, 1));
    let after = until_it_answers("a write", async || {
        try_put(&*source, &Key::tool("after"), "{}").await
    });
    assert_eq!(after.await, before + 2, "a write that was refused is stored");
    assert_eq!(source.load().await.unwrap().records.len(), 3);
}

async fn a_loss_that_nobody_noticed_refuses_nothing<S: Store>() {
    let store = S::fresh().await;
    outlives_a_loss::<S>(store.settings()).await;
}

async fn a_loss_over_tls_that_nobody_noticed_refuses_nothing<S: Store>() {
    let secure = Secure::<S>::start().await;
    outlives_a_loss::<S>(secure.verified()).await;
}

/// Connections are lost while the pool has them all.
async fn outlives_a_loss<S: Store>(direct: Server) {
    let (proxy, settings) = by_proxy(direct).await;
    let connections = 4;
    let settings = Server {
        pool: connections,
        ..settings
    };
    let source = S::open_with(settings).await.unwrap();
    put(&*source, &Key::tool("before"), "{}").await;
    let loads = (0..connections).map(|_| source.load());
    for load in futures_util::future::join_all(loads).await {
        load.unwrap();
    }
    proxy.forget();
    // Longer than the pool might want to keep connections that are not used.
    tokio::time::sleep(TIMEOUT).await;
    put(&*source, &Key::tool("after"), "{}").await;
    assert_eq!(source.load().await.unwrap().records.len(), 2);
}

/// Loads, watches, writes, until the network falls silent, and a little longer.
async fn work<S: Store>(settings: Server) -> Arc<dyn DataSource> {
    let Ok(source) = S::open_with(settings).await else {
        panic!("a network that is away is no reason not to start")
    };
    let mut failures = 0;
    for round in 0..40 {
        let asked = async {
            let load = source.load().await?;
            let mut changes = source.watch(load.revision).await?;
            let key = Key::tool("a");
            try_put(&*source, &key, &format!("{{\"round\": {round}}}")).await?;
            changes.next().await.expect("ended without an error")?;
            let write = Write {
                key: &key,
                expected: Expected::Any,
                principal: "test",
            };
            source.delete(write).await?;
            source.history(&key, 5).await?;
            Ok::<_, SourceError>(())
        };
        match tokio::time::timeout(BOUND * 2, asked).await {
            Ok(Ok(())) => {}
            Ok(Err(SourceError::Unavailable(_) | SourceError::InDoubt(_))) => failures += 1,
            Ok(Err(error)) => panic!("{error:?}"),
            Err(_) => panic!("waits for ever"),
        }
        if failures == 3 {
            return source;
        }
    }
    panic!("the network never fell silent");
}

async fn silence_at_any_point_ends_in_time_and_leaves_nothing_half_done<S: Store>() {
    let at = async |point| {
        let store = S::fresh().await;
        silence_after(&store, store.settings(), point).await;
    };
    futures_util::future::join_all((1..50).step_by(3).map(at)).await;
}

async fn silence_over_tls_at_any_point_ends_in_time_and_leaves_nothing_half_done<S: Store>() {
    let at = async |point| {
        let secure = Secure::<S>::start().await;
        silence_after(&secure.store, secure.verified(), point).await;
    };
    // Fewer, since each has a server of its own.
    futures_util::future::join_all((4..50).step_by(11).map(at)).await;
}

async fn silence_after<S: Store>(store: &S, direct: Server, point: u32) {
    S::migrate_with(store.settings(), Migrate::Apply).await.unwrap();
    let (proxy, settings) = by_proxy(direct).await;
    proxy.silence_after(point);
    let source = work::<S>(settings).await;

    // The server still holds what the vanished gateway had begun. Others are not kept waiting for long.
    let other = store.open().await;
    until_it_answers("another gateway's write", async || {
        try_put(&*other, &Key::tool("b"), "{}").await
    })
    .await;
    // New connections work, and none is kept waiting behind those that were lost.
    proxy.forget();
    until_it_answers("a write after the loss", async || {
        try_put(&*source, &Key::tool("c"), "{}").await
    })
    .await;
    let (one, another) = tokio::join!(source.load(), source.load());
    let load = one.unwrap();
    assert_eq!(another.unwrap().records.len(), load.records.len());
    let rows = store
        .number("SELECT COUNT(*) FROM dynmcp_xds WHERE status = 1")
        .await;
    assert_eq!(
        i64::try_from(load.records.len()).unwrap(),
        rows,
        "after {point} answers"
    );
    let revisions = store.number("SELECT COUNT(*) FROM dynmcp_changes").await;
    assert_eq!(
        u64::try_from(revisions).unwrap(),
        load.revision,
        "after {point} answers"
    );
    let unsigned = store
        .number("SELECT COUNT(*) FROM dynmcp_changes WHERE principal IS NULL")
        .await;
    assert_eq!(unsigned, 0, "a write without its author, after {point} answers");
}
