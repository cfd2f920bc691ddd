//! Descriptors do not run out: there are fewer places for clients instead, and probes have theirs.

use super::{Gateway, KEY, Sandbox};
use std::{net::TcpStream, os::unix::process::CommandExt, process::Command, time::Duration};

const LIMIT: u32 = 128;

#[test]
fn with_few_of_them_and_a_flood_probes_and_the_end_work() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "x.toml",
        &format!("[app]\nport = 0\napi_key = \"{KEY}\"\nworkers = 2\n"),
    );
    let gateway = sandbox.command(&["serve", "--config", "x.toml"]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", &format!("ulimit -n {LIMIT}; exec \"$@\""), "sh"])
        .arg(gateway.get_program())
        .args(gateway.get_args())
        .current_dir(sandbox.path())
        .process_group(0);
    let mut gateway = Gateway::spawn_until_ready(&sandbox, limited);
    assert!(
        gateway.output().contains("there are places for 32"),
        "{}",
        gateway.output()
    );
    let address = gateway.origin.trim_start_matches("http://").to_owned();
    let mut flood = Vec::new();
    for round in 0..10 {
        for _ in 0..LIMIT / 2 {
            flood.push(TcpStream::connect(&address).unwrap());
        }
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let probe = client.get(format!("{}/readyz", gateway.origin));
        let answer = super::gateway::request(probe);
        assert_eq!(
            answer.map(|(status, _)| status),
            Some(200),
            "round {round}: {}",
            gateway.output()
        );
    }
    assert!(
        !gateway.output().contains("cannot accept connections"),
        "{}",
        gateway.output()
    );
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
}
