//! Servers that are away, are others, or let nobody in.

use super::tally::{left, open, per_day, rate, settings, take};
use crate::servers::{certificates, process::free_port, redis::RedisServer};
use mcp_common::{secret::Secret, tally::Tally};
use mcp_plugin::tally::redis::{RedisSettings, RedisTally};
use std::time::Duration;

async fn probed(settings: RedisSettings) -> Result<(), String> {
    RedisTally::new(settings).unwrap().probe().await
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again_whatever_it_has_forgotten() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    let daily = per_day(5);
    left(take(&tally, &[&daily], 0).await);
    server.stop();
    assert!(take(&tally, &[&daily], 0).await.is_err());
    assert!(tally.probe().await.is_err());
    let error = tally.probe().await.unwrap_err();
    assert!(error.contains("refused"), "{error}");
    server.resume();
    tally.probe().await.unwrap();
    // Its scripts are gone, too.
    assert_eq!(left(take(&tally, &[&daily], 0).await), [4]);
    server.cli(&["SCRIPT", "FLUSH"]);
    assert_eq!(left(take(&tally, &[&daily], 0).await), [3]);
}

#[tokio::test]
async fn one_that_hangs_is_given_up_by_whoever_waits_and_asked_anew_later() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    server.signal("STOP");
    let short = Duration::from_millis(100);
    assert!(tokio::time::timeout(short, tally.probe()).await.is_err());
    // The connection that did not answer is not waited for again.
    let daily = per_day(5);
    let error = take(&tally, &[&daily], 0).await.unwrap_err();
    assert!(error.contains("no connection"), "{error}");
    server.signal("CONT");
    tally.probe().await.unwrap();
    left(take(&tally, &[&daily], 0).await);
}

#[tokio::test]
async fn passwords_and_users_are_checked_and_said_without_the_password() {
    let server = RedisServer::start(&["--requirepass", "right-one"]);
    let with = |password: &str| RedisSettings {
        password: Some(Secret::from(password)),
        ..settings(&server.url())
    };
    probed(with("right-one")).await.unwrap();
    let wrong = probed(with("wrong-one")).await.unwrap_err();
    assert!(!wrong.contains("wrong-one"), "{wrong}");
    let error = probed(settings(&server.url())).await.unwrap_err();
    assert!(
        error.contains("NOAUTH") || error.to_lowercase().contains("auth"),
        "{error}"
    );

    // From a file, which may change.
    let file = server.directory.path().join("password");
    std::fs::write(&file, "wrong-one\n").unwrap();
    let of_file = RedisTally::new(RedisSettings {
        password_file: Some(file.clone()),
        ..settings(&server.url())
    })
    .unwrap();
    assert!(of_file.probe().await.is_err());
    std::fs::write(&file, "right-one\n").unwrap();
    of_file.probe().await.unwrap();
}

#[tokio::test]
async fn a_user_who_may_not_write_is_no_help_and_the_documented_rights_are_enough() {
    let server = RedisServer::start(&[]);
    let user = |name: &str, rights: &[&str]| {
        let mut command = vec!["ACL", "SETUSER", name, "on", ">pass", "~dynmcp:*"];
        command.extend(rights);
        assert_eq!(server.cli(&command), "OK");
    };
    let of = |name: &str| RedisSettings {
        username: Some(name.to_owned()),
        password: Some(Secret::from("pass")),
        ..settings(&server.url())
    };
    user("reader", &["+@read", "+@scripting", "+time"]);
    let error = probed(of("reader")).await.unwrap_err();
    assert!(error.contains("can't run this command"), "{error}");
    // As docs/ACCESS.md says.
    let rights = "+evalsha +script|load +time +get +set +zadd +zrem +zcard +zremrangebyscore +pexpire";
    let documented = include_str!("../../../docs/ACCESS.md");
    assert!(documented.contains(rights));
    user("gateway", &rights.split(' ').collect::<Vec<_>>());
    let tally = RedisTally::new(of("gateway")).unwrap();
    tally.probe().await.unwrap();
    let (daily, hourly, one) = (
        per_day(5),
        rate(Duration::from_secs(1), 1),
        super::tally::concurrent(1),
    );
    left(take(&tally, &[&one, &daily, &hourly], 1).await);
    let place = super::tally::place(&one, 1);
    let places = std::slice::from_ref(&place);
    tally.keep(places, Duration::from_secs(1)).await.unwrap();
    tally.give_back(places).await.unwrap();
    // Keys of others are closed to it.
    let elsewhere = RedisSettings {
        prefix: "other:".to_owned(),
        ..of("gateway")
    };
    assert!(probed(elsewhere).await.is_err());
}

#[tokio::test]
async fn a_replica_and_one_that_is_full_and_something_else_are_said() {
    let server = RedisServer::start(&[]);
    let port = server.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    let error = probed(settings(&replica.url())).await.unwrap_err();
    assert!(error.to_lowercase().contains("read"), "{error}");
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = probed(settings(&server.url())).await.unwrap_err();
    assert!(error.to_lowercase().contains("memory"), "{error}");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    let tally = open(&server.url()).await;
    // Somebody else's value of the same name.
    let daily = per_day(5);
    server.cli(&["LPUSH", &format!("dynmcp:{{key:k}}{}", daily.name), "x"]);
    let error = take(&tally, &[&daily], 0).await.unwrap_err();
    assert!(error.contains("WRONGTYPE"), "{error}");
    server.cli(&["DEL", &format!("dynmcp:{{key:k}}{}", daily.name)]);
    server.cli(&["SET", &format!("dynmcp:{{key:k}}{}", daily.name), "nonsense"]);
    assert_eq!(left(take(&tally, &[&daily], 0).await), [4]);
}

#[tokio::test]
async fn tls_knows_the_server_by_its_authority() {
    let directory = tempfile::tempdir().unwrap();
    certificates::make(directory.path(), &["localhost"]);
    let path = |name: &str| directory.path().join(name).display().to_string();
    let port = free_port();
    let (port_text, ca, certificate, key) = (
        port.to_string(),
        path("ca.pem"),
        path("localhost.pem"),
        path("localhost.key"),
    );
    let options = [
        "--port",
        "0",
        "--tls-port",
        &port_text,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ];
    let strangers = tempfile::tempdir().unwrap();
    certificates::make(strangers.path(), &["localhost"]);
    let _server = RedisServer::start_in(directory, port, &options);
    let of = |host: &str, ca: Option<&str>| RedisSettings {
        ca_file: ca.map(Into::into),
        ..settings(&format!("rediss://{host}:{port}"))
    };
    let tally = RedisTally::new(of("localhost", Some(&ca))).unwrap();
    tally.probe().await.unwrap();
    left(take(&tally, &[&per_day(5)], 0).await);
    let stranger = strangers.path().join("ca.pem").display().to_string();
    for wrong in [
        of("localhost", Some(&stranger)),
        of("localhost", None),
        of("127.0.0.1", Some(&ca)),
    ] {
        let error = probed(wrong).await.unwrap_err();
        assert!(!error.is_empty());
    }
    // Without TLS it is not understood.
    assert!(
        probed(settings(&format!("redis://localhost:{port}")))
            .await
            .is_err()
    );
}
