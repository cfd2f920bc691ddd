//! A cluster of three: it goes on without any one of its members, and so do we.

use super::store;
use crate::servers::{etcd::EtcdServer, process::free_port};
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::{Key, Revision},
    testsuite::Follower,
};
use mcp_plugin::datasource::etcd::Etcd;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);
const NAMES: [&str; 3] = ["one", "two", "three"];

struct Cluster {
    members: Vec<Arc<EtcdServer>>,
}

impl Cluster {
    async fn start() -> Self {
        let peers = NAMES.map(|_| free_port());
        let all: Vec<_> = NAMES
            .iter()
            .zip(peers)
            .map(|(name, peer)| format!("{name}=http://127.0.0.1:{peer}"))
            .collect();
        let all = all.join(",");
        // Three processes on a busy machine have to hear of each other in time.
        let options = ["--heartbeat-interval", "100", "--election-timeout", "1000"];
        let member = |(name, peer)| Arc::new(EtcdServer::member(name, peer, &all, &options));
        let members: Vec<_> = NAMES.into_iter().zip(peers).map(member).collect();
        let cluster = Self { members };
        cluster.resume(&[0, 1, 2]).await;
        cluster
    }

    /// Starts them together: none of them answers before there are two.
    async fn resume(&self, which: &[usize]) {
        let start = |index: &usize| {
            let member = self.members[*index].clone();
            tokio::task::spawn_blocking(move || member.resume())
        };
        let starting: Vec<_> = which.iter().map(start).collect();
        for started in starting {
            started.await.unwrap();
        }
    }

    fn stop(&self, which: &[usize]) {
        for index in which {
            self.members[*index].stop();
        }
    }

    /// A source that knows all of them, beginning with this one: that is the one it asks as long as it answers.
    async fn source(&self, first: usize) -> Etcd {
        let mut endpoints: Vec<_> = self.members.iter().map(|member| member.url()).collect();
        endpoints.rotate_left(first);
        let settings = json!({ "endpoints": endpoints, "timeout_ms": 3_000 });
        store::open_with(&endpoints[0], &settings).await
    }

    /// The member that leads, if no election is going on.
    fn leader(&self) -> Option<usize> {
        let is_leader = |member: &Arc<EtcdServer>| {
            let status = member.etcdctl(&["endpoint", "status", "--write-out=json"]);
            let status: serde_json::Value = serde_json::from_str(&status).unwrap();
            let status = &status[0]["Status"];
            status["leader"] == status["header"]["member_id"]
        };
        self.members.iter().position(is_leader)
    }
}

/// The first success; an election may be going on.
async fn put(source: &Etcd, id: &str) -> Revision {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match store::put(source, &Key::tool(id), "{}").await {
            Ok(revision) => return revision,
            Err(SourceError::Unavailable(reason)) => assert!(Instant::now() < deadline, "{reason}"),
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Every one of them once, the leader among them: the watch says that it is broken, goes on at another member, and
/// brings what was written meanwhile, by us and past us.
#[tokio::test(flavor = "multi_thread")]
async fn any_member_may_die() {
    let cluster = Cluster::start().await;
    for killed in 0..NAMES.len() {
        let source = cluster.source(killed).await;
        let mut follower = Follower::start(&source).await;
        let leads = cluster.leader() == Some(killed);
        cluster.stop(&[killed]);
        let (ours, theirs) = (format!("ours{killed}"), format!("theirs{killed}"));
        put(&source, &ours).await;
        let other = &cluster.members[(killed + 1) % NAMES.len()];
        store::raw_put(other, &format!("/dynmcp/tds/{theirs}"), "{}");
        let last = put(&source, "last").await;
        let errors = follower.until_in_spite_of_errors(&source, last).await;
        let forgot = |error: &SourceError| matches!(error, SourceError::HistoryLost { .. });
        assert!(
            !errors.is_empty() && !errors.iter().any(forgot),
            "{killed}, leader: {leads}: {errors:?}"
        );
        for id in [ours, theirs] {
            assert!(
                follower.body(&Key::tool(id)).is_some(),
                "{killed}, leader: {leads}"
            );
        }
        // A load is the same for everybody, at whatever member.
        cluster.resume(&[killed]).await;
        let load = cluster.source(killed).await.load().await.unwrap();
        assert_eq!(load.records.len(), follower.state.len());
        assert!(
            load.revision >= last,
            "{killed}, leader: {leads}: {} < {last}",
            load.revision
        );
    }
}

/// One that is left alone has no news, and says so; a write is not stored by it. When they are back all goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_the_others_says_so() {
    let cluster = Cluster::start().await;
    let source = cluster.source(0).await;
    let first = put(&source, "before").await;
    let mut follower = Follower::start(&source).await;
    let mut changes = source.watch(first).await.unwrap();
    cluster.stop(&[1, 2]);
    let error = store::next(&mut changes).await;
    assert!(matches!(error, Err(SourceError::Unavailable(_))), "{error:?}");
    match store::put(&source, &Key::tool("lonely"), "{}").await {
        Err(SourceError::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
    assert!(matches!(source.load().await, Err(SourceError::Unavailable(_))));
    cluster.resume(&[1, 2]).await;
    let last = put(&source, "after").await;
    let errors = follower.until_in_spite_of_errors(&source, last).await;
    assert!(!errors.is_empty(), "the watch did not notice");
    assert!(follower.body(&Key::tool("before")).is_some() && follower.body(&Key::tool("after")).is_some());
}
